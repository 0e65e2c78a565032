"""The request: one pipeline run asking to perform one action once."""

from typing import Any
from uuid import UUID

import orjson
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce

from approvals.states import OPEN, Status
from portal.kernel.ids import new_id
from portal.kernel.joined import Joined


def statuses(wanted: frozenset[Status]) -> list[str]:
    """Status values in a stable order, for constraints and partial indexes."""
    return sorted(status.value for status in wanted)


# What “decided” means in lists, and when it was: by the index of that name.
DECIDED = ("approved", "denied", "redeemed", "rejected")
DECIDED_AT = Coalesce("approved_at", "ended_at")


class Request(models.Model):
    """Its payload is immutable (a trigger refuses changes); only transition.py moves its status."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("request_number"), function="nextval"),
    )
    project = models.ForeignKey(
        "portal.Project", on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    environment = models.ForeignKey(
        "portal.Environment", on_delete=models.PROTECT, related_name="requests", db_index=False
    )
    # Who asks is a pipeline, or a person who wants a policy version published or retired.
    account = models.ForeignKey(
        "portal.ServiceAccount",
        on_delete=models.PROTECT,
        related_name="requests",
        db_index=False,
        null=True,
    )
    token = models.ForeignKey(
        "portal.ProjectToken",
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        null=True,
    )
    policy_version = models.ForeignKey(
        "policies.PolicyVersion",
        on_delete=models.PROTECT,
        related_name="requests",
        db_index=False,
        null=True,
    )
    # The person, or who owned the account then: handing it on afterwards frees nobody to decide.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    action = models.CharField(max_length=100)
    subject = models.JSONField()
    run = models.JSONField()
    labels = models.JSONField(default=list)
    claims = models.JSONField(default=dict)
    reason = models.TextField(blank=True)
    reason_salt = models.BinaryField(max_length=16)
    payload = models.BinaryField()
    digest = models.CharField(max_length=71)
    body_digest = models.CharField(max_length=71)
    idempotency_key = models.CharField(max_length=200)

    status = models.CharField(max_length=12, default=Status.SUBMITTED.value)
    round = models.PositiveIntegerField(default=1)
    version = models.BigIntegerField(default=1)
    pinned = ArrayField(models.UUIDField(), default=list)
    snapshot = models.ForeignKey(
        "approvals.Snapshot",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    verdict = models.ForeignKey(
        "approvals.Verdict",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,
    )
    drift = models.JSONField(default=list)
    # What became otherwise while this round waits: `{fact, old, new, at}`, the latest first.
    moved = models.JSONField(default=list)
    # People whose accounts at the forge touched the change, `[id, how]`, as last looked up.
    forge_touchers = models.JSONField(default=list)
    # high, medium, low, or empty where no policy speaks of risk.
    risk = models.CharField(max_length=6, blank=True)
    # Older requests for the same target are still to be retired (supersede.py).
    retires_older = models.BooleanField(default=False)
    needed = models.PositiveIntegerField(default=0)
    given = models.PositiveIntegerField(default=0)

    created_at = models.DateTimeField()
    decide_by = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    use_by = models.DateTimeField(null=True)
    # Bookkeeping, not state: the last redeem that met a silent source, until one goes well.
    redeem_failed_at = models.DateTimeField(null=True)
    redeem_failure = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True)
    ended_reason = models.TextField(blank=True)
    ended_salt = models.BinaryField(max_length=16, default=bytes)
    # When `reason`, the name of who started the run, and `body_digest` were erased.
    erased_at = models.DateTimeField(null=True)

    ledger_seq = models.PositiveIntegerField(default=0)
    ledger_prev = models.BinaryField(max_length=32, null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["account", "idempotency_key"], name="request_idempotency_key_once"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in Status]), name="request_status_known"
            ),
            models.CheckConstraint(
                condition=Q(account__isnull=False, token__isnull=False, policy_version__isnull=True)
                | Q(account__isnull=True, token__isnull=True, policy_version__isnull=False),
                name="request_of_pipeline_or_policy",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=["approved", "redeemed"])
                | Q(approved_at__isnull=False, use_by__isnull=False),
                name="request_approved_has_times",
            ),
            models.CheckConstraint(
                condition=Q(status__in=statuses(OPEN)) | Q(ended_at__isnull=False),
                name="request_over_has_end",
            ),
        ]
        indexes = [
            models.Index(
                fields=["project", "decide_by", "id"],
                condition=Q(status__in=["pending", "submitted"]),
                name="request_waiting_project",
            ),
            models.Index(
                fields=["decide_by", "id"],
                condition=Q(status__in=["pending", "submitted"]),
                name="request_waiting",
            ),
            models.Index(
                fields=["id"], condition=Q(retires_older=True), name="request_retires_older"
            ),
            models.Index(fields=["use_by"], condition=Q(status="approved"), name="request_unused"),
            models.Index(
                fields=["owner", "id"],
                condition=Q(policy_version__isnull=False),
                name="request_about_policy",
            ),
            models.Index(
                DECIDED_AT,
                condition=Q(status__in=DECIDED),
                # The expression's own columns too: without them the rows would be read as well.
                include=["id", "project", "environment", "approved_at", "ended_at"],
                name="request_decided",
            ),
            models.Index(
                KT("subject__artifact"),
                F("environment"),
                condition=Q(status="redeemed", subject__has_key="artifact"),
                name="request_artifact",
            ),
            models.Index(F("project"), F("id").desc(), name="request_project_newest"),
            models.Index(F("environment"), F("id").desc(), name="request_environment_newest"),
        ]

    def __str__(self) -> str:
        return f"R-{self.number}"

    def get_absolute_url(self) -> str:
        return f"/requests/{self.id}"

    @classmethod
    def whole(cls, request_id: UUID) -> "Request":
        """It with all that it points to. Raises Request.DoesNotExist."""
        found = WHOLE.first("one.id = %s", [request_id])
        if found is None:
            raise cls.DoesNotExist(request_id)
        return found

    @property
    def plan(self) -> dict[str, Any] | None:
        """What the Terraform plan that came with it would do, as the payload has it."""
        found: dict[str, Any] = orjson.loads(bytes(self.payload))
        return found.get("plan")

    @property
    def asked_by(self) -> str:
        """Who asked, as people read it; `account` or `owner` must be loaded."""
        if self.account is None:
            return str(self.owner)
        return str(self.run.get("actor") or self.account.name)


# What every step of a request's life reads of it.
WHOLE = Joined(
    Request,
    *("project", "environment", "account", "account__owner", "token", "owner"),
    *("policy_version", "policy_version__policy", "verdict", "snapshot"),
)


class AwaitedGroup(models.Model):
    """A group whose members may decide on a request: what the queue and visibility join on.

    `waiting` and `decide_by` are the request's own: triggers keep them, so that a group's queue
    can be read in its order from one index.
    """

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="awaited_groups")
    group = models.ForeignKey("portal.ApproverGroup", on_delete=models.PROTECT, related_name="+")
    waiting = models.BooleanField(default=True, editable=False)
    decide_by = models.DateTimeField(null=True, editable=False)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["group", "request"], name="awaited_group_once")
        ]
        indexes = [
            models.Index(
                fields=["group", "decide_by", "request"],
                condition=Q(waiting=True),
                name="awaited_group_queue",
            )
        ]

    def __str__(self) -> str:
        return f"{self.group} for {self.request}"
