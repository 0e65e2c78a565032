"""One passage over the whole sealed log, and what it found."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, Q

from portal.kernel.due import Due
from portal.kernel.ids import new_id


class Verification(Due):
    """Wished for by a person, or of a `night` (a day in UTC) and by nobody.

    Until it is over, `done` of `size` leaves were made again; then both are the size of the log.
    `more`: findings beyond those that are kept. `error`: why the last try could not end.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    night = models.DateField(null=True, unique=True)
    asked_at = models.DateTimeField()
    done = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    signed_size = models.PositiveBigIntegerField(default=0)
    checkpoints = models.PositiveBigIntegerField(default=0)
    unsealed = models.PositiveBigIntegerField(default=0)
    milliseconds = models.PositiveBigIntegerField(default=0)
    findings = ArrayField(models.TextField(), default=list)
    more = models.PositiveBigIntegerField(default=0)
    error = models.CharField(max_length=500, blank=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                ExpressionWrapper(Q(finished_at__isnull=True), output_field=BooleanField()),
                condition=Q(finished_at__isnull=True),
                name="verification_one_open",
            ),
            models.CheckConstraint(
                condition=Q(night__isnull=True) | Q(asked_by__isnull=True),
                name="verification_of_night_or_person",
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(next_try__isnull=True),
                name="verification_over_is_not_due",
            ),
        ]
        indexes = [models.Index(fields=["-finished_at"], name="verification_last")]

    def __str__(self) -> str:
        return f"verification of {self.asked_at}"

    @property
    def found(self) -> int:
        """How many findings there are."""
        return len(self.findings) + self.more

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.milliseconds / 1000
