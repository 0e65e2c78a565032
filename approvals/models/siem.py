"""Where the sealed ledger is sent as it grows: outside systems that collect what happened."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.kernel.due import Due
from portal.kernel.ids import new_id


class SiemStream(Due):
    """Sends the entries of a project, or without one of the whole portal, in the log's order.

    `position` is the index of the leaf that comes next: what is before it was sent, or belongs to
    another project. `replays` counts how often a person set it. The row says when it is due
    (`next_try`); paused ones never are. `failing_since` is set while its attempts fail.

    `address` is a URL, or `HOST:PORT` for syslog; `authority` are certificates, as PEM, that vouch
    for it. `secret` signs what is posted, beside `old_secret` until `old_until`; `authorization` is
    sent as the header of that name. All three are sealed: nobody can read them again.
    """

    class Kind(models.TextChoices):
        JSON = "json", _("Webhook: JSON")
        OCSF = "ocsf", _("Webhook: OCSF API Activity")
        CEF = "cef", _("Syslog over TLS: CEF")

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    project = models.ForeignKey(
        "portal.Project", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    address = models.CharField(_("address"), max_length=1000)
    private = models.BooleanField(default=False)
    authority = models.TextField(max_length=20_000, blank=True)
    secret = models.CharField(max_length=300, blank=True)
    old_secret = models.CharField(max_length=300, blank=True)
    old_until = models.DateTimeField(null=True, blank=True)
    authorization = models.CharField(max_length=3000, blank=True)
    position = models.BigIntegerField()
    replays = models.PositiveIntegerField(default=0)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    paused_at = models.DateTimeField(null=True, blank=True)
    removed_at = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    error_at = models.DateTimeField(null=True, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("stream")
        default_permissions = ()
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(position__gte=0), name="siem_stream_position"),
            models.UniqueConstraint(
                fields=["name"], condition=Q(removed_at__isnull=True), name="siem_stream_name_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name
