"""Files that a worker prepares, to be fetched later."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.kernel.due import Due
from portal.kernel.ids import new_id


class Export(Due):
    """A file that somebody asked for, how far it is, and until when it is kept.

    `kind` says who makes it (approvals/audit/exports/kinds.py), `subject` of what, `wish` of which
    part, as it was asked; `schedule` asked for it where that is set. `attempts` numbers the turns
    of workers: only the last one may write.
    `entry`: the number of the ledger's entry that says it was asked for; null for older ones.
    `covers`: the projects whose evidence may be in the file; null for everything.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        EXPIRED = "expired", _("Expired")
        DELETED = "deleted", _("Deleted")

    OPEN = (State.WAITING, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    schedule = models.ForeignKey(
        "approvals.ReportSchedule", on_delete=models.PROTECT, related_name="exports", null=True
    )
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=60, blank=True)
    form = models.CharField(max_length=10)
    wish = models.JSONField(default=dict)
    entry = models.BigIntegerField(null=True)
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    rows = models.PositiveBigIntegerField(default=0)
    expected = models.PositiveBigIntegerField(default=0)
    covers = ArrayField(models.UUIDField(), null=True)
    file_name = models.CharField(max_length=200, blank=True)
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    digest = models.CharField(max_length=71, blank=True)
    error = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["waiting", "running"],
                    finished_at__isnull=True,
                    next_try__isnull=False,
                )
                | (
                    ~Q(state__in=["waiting", "running"])
                    & Q(finished_at__isnull=False, next_try__isnull=True)
                ),
                name="export_over_has_end",
            ),
            models.CheckConstraint(
                condition=~Q(state="ready") | (Q(expires_at__isnull=False) & ~Q(digest="")),
                name="export_ready_is_whole",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="export_due"
            ),
            models.Index(fields=["expires_at"], condition=Q(state="ready"), name="export_expires"),
            models.Index(F("by"), F("id").desc(), name="export_of_person"),
        ]

    def __str__(self) -> str:
        return f"{self.state} export of {self.subject or self.kind}"

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in self.OPEN


class ExportChunk(models.Model):
    """A piece of the file; all of them in their order are the file."""

    export = models.ForeignKey(
        Export, on_delete=models.CASCADE, related_name="chunks", db_index=False
    )
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["export", "number"], name="export_chunk_once")
        ]

    def __str__(self) -> str:
        return f"chunk {self.number} of {self.export_id}"
