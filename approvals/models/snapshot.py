"""What was known: single readings of sources, and the immutable snapshots made of them."""

from functools import cached_property

from django.db import models
from django.db.models import Q

from policies.language.facts import Facts
from portal.kernel.due import Due
from portal.kernel.ids import new_id


class Snapshot(models.Model):
    """The facts known at one moment; never changed (a trigger refuses it).

    `facts` maps a fact's name to `{value, source, provenance, observed_at}` or, without a value, to
    `{unknown, reason}`; who was asked stands in the schema. `digest` covers it all, personal
    values by a commitment with `salt`; `facts_digest` covers names and values only, so that reading
    the same again is not a change. Erasing leaves `{commit, source, provenance, observed_at}` of a
    personal fact, and neither salt nor `facts_digest`.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.ForeignKey(
        "approvals.Request", on_delete=models.PROTECT, related_name="snapshots"
    )
    round = models.PositiveIntegerField()
    digest = models.CharField(max_length=71)
    facts_digest = models.CharField(max_length=71)
    facts = models.JSONField()
    salt = models.BinaryField(max_length=16, default=bytes)
    captured_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.digest

    @cached_property
    def typed(self) -> Facts:
        """Its facts with their types, checked. Raises FactValueError."""
        return Facts.from_json(self.facts)


class Reading(Due):
    """One source's last answer for one request, and when to ask again.

    `source` is its key: a name, or `name:connection id`. The row is the truth; a Celery message
    only wakes. `next_try` in the past = somebody must read. `again`: while somebody read it, the
    outside system said that something changed.
    """

    class State(models.TextChoices):
        WANTED = "wanted"
        KNOWN = "known"
        FAILED = "failed"

    request = models.ForeignKey(
        "approvals.Request", on_delete=models.CASCADE, related_name="readings"
    )
    source = models.CharField(max_length=100)
    state = models.CharField(max_length=8, choices=State, default=State.WANTED)
    facts = models.JSONField(default=dict)
    error = models.CharField(max_length=500, blank=True)
    observed_at = models.DateTimeField(null=True)
    again = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["request", "source"], name="reading_once")]
        indexes = [
            models.Index(
                fields=["next_try"], condition=Q(next_try__isnull=False), name="reading_due"
            ),
            models.Index(
                fields=["source"], condition=Q(next_try__isnull=False), name="reading_of_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} for {self.request_id}"
