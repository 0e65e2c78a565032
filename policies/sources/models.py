"""Where policy files are read from, and which commit each version read there came from."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.kernel.due import Due
from portal.kernel.ids import new_id


class PolicySource(Due):
    """A folder on a protected branch of a repository, read again and again.

    The row says when it is due (`next_try`). `commit` is the tip that was read last, at `read_at`.
    `problems` are `{path, line, column, message}` of its files then; `gone` are `{policy, path}` of
    policies that came from here and stand in no file any more. Versions are saved in the name of
    `configured_by`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    repository = models.CharField(
        _("git repository"), max_length=500,
        help_text=_("An https:// or ssh:// address, or a folder the portal may read."),
    )  # fmt: skip
    branch = models.CharField(
        _("protected branch"), max_length=200, default="main",
        help_text=_("Whoever can push there can write drafts in your name."),
    )  # fmt: skip
    folder = models.CharField(
        _("folder"), max_length=200, blank=True,
        help_text=_("Every *.yaml in it is read, not in folders below. Empty: the root."),
    )  # fmt: skip
    configured_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    commit = models.CharField(max_length=64, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)
    problems = models.JSONField(default=list, blank=True)
    gone = models.JSONField(default=list, blank=True)
    error = models.CharField(max_length=500, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        app_label = "policies"
        default_permissions = ()
        ordering = ["repository", "branch", "folder"]
        constraints = [
            models.UniqueConstraint(
                fields=["repository", "branch", "folder"],
                condition=Q(removed_at__isnull=True),
                name="policy_source_once",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="policy_source_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.repository} ({self.branch}{f': {self.folder}' if self.folder else ''})"


class Origin(models.Model):
    """Which commit a version came from; never changed (a trigger refuses it).

    `commit` is the one that last changed the file `path`; `writers` are the e-mail addresses of
    who wrote and committed it since the version that was read before.
    """

    version = models.OneToOneField(
        "policies.PolicyVersion",
        on_delete=models.PROTECT,
        primary_key=True,
        related_name="origin",
    )
    source = models.ForeignKey(PolicySource, on_delete=models.PROTECT, related_name="origins")
    repository = models.CharField(max_length=500)
    commit = models.CharField(max_length=64)
    path = models.CharField(max_length=500)
    writers = models.JSONField()

    class Meta:
        app_label = "policies"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.commit[:12]} {self.path}"
