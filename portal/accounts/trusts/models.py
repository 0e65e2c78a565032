"""Trusts: which workloads of a CI system may act as a service account, without a secret."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from portal.accounts.trusts.match import Rule
from portal.accounts.trusts.presets import PRESETS
from portal.accounts.trusts.verify import Believed
from portal.kernel.ids import new_id


class Trust(models.Model):
    """What is accepted of whom. Never changed: another one takes its place, so that what a run
    was accepted by can still be read.

    `keys` is the last good key set of the issuer, public parts only; the three times and texts
    beside it are bookkeeping.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    project = models.ForeignKey("portal.Project", on_delete=models.PROTECT, related_name="trusts")
    account = models.ForeignKey(
        "portal.ServiceAccount", on_delete=models.PROTECT, related_name="trusts"
    )
    name = models.CharField(_("name"), max_length=100)
    preset = models.CharField(max_length=20)
    issuer = models.CharField(max_length=300)
    keys_url = models.CharField(max_length=500)
    algorithm = models.CharField(max_length=10)
    private = models.BooleanField(default=False)
    source = models.CharField(max_length=100, blank=True)
    refs = ArrayField(models.CharField(max_length=200), default=list, blank=True)
    events = ArrayField(models.CharField(max_length=50), default=list, blank=True)
    environment = models.CharField(max_length=200, blank=True)
    workflow = models.CharField(max_length=300, blank=True)
    claims = models.JSONField(default=dict, blank=True)
    run_claim = models.CharField(max_length=100, blank=True)
    attempt_claim = models.CharField(max_length=100, blank=True)
    environments = models.ManyToManyField("portal.Environment", blank=True, related_name="+")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    created_at = models.DateTimeField()
    archived_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    keys = models.JSONField(default=list, blank=True, editable=False)
    keys_read_at = models.DateTimeField(null=True, blank=True, editable=False)
    keys_tried_at = models.DateTimeField(null=True, blank=True, editable=False)
    keys_problem = models.CharField(max_length=300, blank=True, editable=False)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        ordering = ["created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["project", "name"],
                condition=Q(archived_at__isnull=True),
                name="trust_name_once",
                violation_error_message=_("The project has a trust of this name already."),
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def system(self) -> str:
        """The title of its preset."""
        return PRESETS[self.preset].title

    @property
    def audience(self) -> str:
        """What its tokens have to be made for, exactly: this portal and this project."""
        return audience_of(self.project.slug)

    @property
    def rule(self) -> Rule:
        """What it accepts; those of a preset name their run themselves."""
        preset = PRESETS[self.preset]
        return Rule(
            preset,
            source=self.source,
            refs=tuple(self.refs),
            events=tuple(self.events),
            environment=self.environment,
            workflow=self.workflow,
            claims=self.claims,
            run=preset.run or (self.run_claim,),
            attempt=preset.attempt or ((self.attempt_claim,) if self.attempt_claim else ()),
        )

    @property
    def believed(self) -> Believed:
        """What has to hold of a token, with the keys as they are known now."""
        return Believed(self.issuer, self.audience, self.algorithm, self.keys)


def audience_of(slug: str) -> str:
    """The audience of workload tokens for a project."""
    return f"{settings.PUBLIC_URL}/{slug}"
