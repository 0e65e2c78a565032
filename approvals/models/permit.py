"""The permit that redeeming gives, and the public keys that verify it."""

import json
from base64 import b64decode
from typing import Any

from django.db import models
from django.db.models import Q

from approvals.states import PermitStatus
from portal.kernel.clock import rfc3339
from portal.kernel.ids import new_id


class Permit(models.Model):
    """Single-use, short-lived, bound to one run attempt and one request digest.

    `action` is the request's. `lead_time_s`: from the time of the commit to success, where that
    time was read.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    request = models.OneToOneField(
        "approvals.Request", on_delete=models.PROTECT, related_name="permit"
    )
    environment = models.ForeignKey(
        "portal.Environment", on_delete=models.PROTECT, related_name="+", db_index=False
    )
    action = models.CharField(max_length=100)
    status = models.CharField(max_length=9, default=PermitStatus.ISSUED.value)
    receipt = models.JSONField()
    # The receipt's twin for verifiers that know only Simple Verification Results; none on permits
    # from before there was one.
    simple_result = models.JSONField(null=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    # What the process that began the action calls itself; empty where it said nothing of that.
    starter = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    exit_code = models.IntegerField(null=True)
    lead_time_s = models.PositiveIntegerField(null=True)

    class Meta:
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=[s.value for s in PermitStatus]),
                name="permit_status_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["environment", "-finished_at"],
                condition=Q(finished_at__isnull=False),
                name="permit_finished",
            ),
            models.Index(
                fields=["environment", "action", "-finished_at"],
                condition=Q(finished_at__isnull=False),
                # Figures of a month are read inside the POST: from the index alone.
                include=["status", "lead_time_s"],
                name="permit_figures",
            ),
            models.Index(fields=["expires_at"], condition=Q(status="issued"), name="permit_unused"),
            models.Index(
                fields=["heartbeat_at"], condition=Q(status="running"), name="permit_running"
            ),
        ]

    def __str__(self) -> str:
        return f"permit {self.id}"

    def approvers(self) -> frozenset[str]:
        """References of the people whose approvals it was given on, as its receipt has them."""
        statement = json.loads(b64decode(self.receipt["payload"]))
        return frozenset(one["ref"] for one in statement["predicate"]["approvers"])


class SigningKey(models.Model):
    """A public key; retired ones never leave the list, so old receipts stay verifiable."""

    class KeyStatus(models.TextChoices):
        ACTIVE = "active"
        RETIRED = "retired"

    kid = models.CharField(primary_key=True, max_length=64)
    purpose = models.CharField(max_length=20)
    jwk = models.JSONField()
    status = models.CharField(max_length=8, choices=KeyStatus, default=KeyStatus.ACTIVE)
    created_at = models.DateTimeField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.kid

    def published(self) -> dict[str, Any]:
        """A JWK with purpose, status and beginning."""
        return {
            "kid": self.kid,
            **self.jwk,
            "purpose": self.purpose,
            "status": self.status,
            "not_before": rfc3339(self.created_at),
        }
