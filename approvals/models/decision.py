"""One person's approve or reject."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.request import Request
from portal.kernel.ids import new_id
from portal.kernel.joined import Joined


class Decision(models.Model):
    """With the snapshot and verdict that were on the screen; never changed, only outlived.

    It counts while its round is the request's round. Its comment alone may be erased.
    `stepped_up_at`: when the person showed a second factor for it, where policy asked for one.
    """

    class Outcome(models.TextChoices):
        APPROVE = "approve"
        REJECT = "reject"

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(
        "approvals.Request", on_delete=models.PROTECT, related_name="decisions"
    )
    round = models.PositiveIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="decisions"
    )
    # On whose behalf: the person decided as the delegate of a member.
    delegation = models.ForeignKey(
        "portal.Delegation",
        on_delete=models.PROTECT,
        related_name="decisions",
        null=True,
        db_index=False,
    )
    outcome = models.CharField(max_length=8, choices=Outcome)
    comment = models.TextField(blank=True)
    comment_salt = models.BinaryField(max_length=16)
    erased_at = models.DateTimeField(null=True)
    snapshot = models.ForeignKey("approvals.Snapshot", on_delete=models.PROTECT, related_name="+")
    verdict = models.ForeignKey("approvals.Verdict", on_delete=models.PROTECT, related_name="+")
    authn = models.CharField(max_length=50)
    stepped_up_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["decided_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "round", "person"], name="decision_once_a_round"
            ),
            models.CheckConstraint(
                condition=Q(outcome__in=["approve", "reject"]), name="decision_outcome_known"
            ),
            models.CheckConstraint(
                condition=Q(outcome="approve") | ~Q(comment="") | Q(erased_at__isnull=False),
                name="decision_reject_says_why",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} by {self.person_id}"

    @classmethod
    def on(cls, *requests: Request) -> "list[Decision]":
        """Every decision on `requests` with the people behind it, oldest first."""
        ids = [request.pk for request in requests]
        return _DECISIONS.all("one.request_id = ANY(%s) ORDER BY one.decided_at", [ids])


_DECISIONS = Joined(
    Decision,
    *("person", "delegation", "delegation__group"),
    *("delegation__delegator", "delegation__delegate"),
)
