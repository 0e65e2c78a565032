"""What policy said about one snapshot."""

from django.db import models

from portal.kernel.ids import new_id


class Verdict(models.Model):
    """Outcome, obligations and explanation; never changed (a trigger refuses it)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(
        "approvals.Request", on_delete=models.PROTECT, related_name="verdicts"
    )
    snapshot = models.ForeignKey("approvals.Snapshot", on_delete=models.PROTECT, related_name="+")
    round = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8)
    body = models.JSONField()
    digest = models.CharField(max_length=71)
    given_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.outcome} for {self.request_id}"
