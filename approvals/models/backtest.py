"""A replay of stored requests under a policy version that is not in force."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from policies.simulation import Change
from portal.kernel.ids import new_id


class Backtest(models.Model):
    """What is replayed, how far it got and what came out.

    The range is fixed when it starts: requests of `environments` with ids from `first` to `last`.
    `cursor` is the last request replayed and `totals` the sums up to there; both move in one
    transaction. `next_try` in the past = somebody must go on; a worker that does moves it ahead
    first (a lease).
    """

    class State(models.TextChoices):
        QUEUED = "queued", _("Queued")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")
        FAILED = "failed", _("Failed")

    OPEN = (State.QUEUED, State.RUNNING)

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    version = models.ForeignKey(
        "policies.PolicyVersion", on_delete=models.PROTECT, related_name="backtests"
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(max_length=9, choices=State, default=State.QUEUED)
    # Which requests somebody wished for: `approvals.backtest.start.Wish`.
    wish = models.JSONField()
    environments = ArrayField(models.UUIDField())
    first = models.UUIDField(null=True)
    last = models.UUIDField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField()
    total = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    cursor = models.UUIDField(null=True)
    totals = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_try = models.DateTimeField(null=True)
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(state__in=["queued", "running"]),
                name="backtest_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running"], finished_at__isnull=True)
                | Q(
                    state__in=["done", "cancelled", "failed"],
                    finished_at__isnull=False,
                    next_try__isnull=True,
                ),
                name="backtest_over_has_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="backtest_due"
            )
        ]

    def __str__(self) -> str:
        return f"{self.state} backtest of {self.version_id}"

    @property
    def open(self) -> bool:
        """Whether it waits or runs."""
        return self.state in self.OPEN


class BacktestChange(models.Model):
    """One request whose verdict would be another. `change` as `policies.simulation` writes it.

    `rank`: 0 looser, 1 other people, 2 stricter; `unsure`: it rests on a fact unknown then.
    """

    backtest = models.ForeignKey(
        Backtest, on_delete=models.CASCADE, related_name="changed", db_index=False
    )
    request = models.ForeignKey("approvals.Request", on_delete=models.PROTECT, related_name="+")
    change = models.CharField(max_length=30)
    rank = models.PositiveSmallIntegerField()
    people_then = models.PositiveIntegerField()
    people_now = models.PositiveIntegerField()
    unsure = models.BooleanField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["backtest", "request"], name="backtest_change_once")
        ]
        indexes = [
            models.Index(
                F("backtest"), F("rank"), F("request").desc(), name="backtest_change_order"
            )
        ]

    def __str__(self) -> str:
        return f"{self.change} of {self.request_id}"

    @property
    def what(self) -> Change:
        """The change itself."""
        return Change.read(self.change)


class BacktestReader(models.Model):
    """A person who opened the finished result, and when first."""

    backtest = models.ForeignKey(
        Backtest, on_delete=models.CASCADE, related_name="readers", db_index=False
    )
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["backtest", "person"], name="backtest_reader_once")
        ]

    def __str__(self) -> str:
        return f"{self.person_id} read {self.backtest_id}"
