"""Policies and their immutable versions."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from policies.freezes.models import (
    CalendarFeed,
    FreezeException,
    FreezeWindow,
    ImportedCalendar,
)
from policies.sources.models import Origin, PolicySource
from portal.access.capabilities import POLICY_CAPABILITIES, permissions
from portal.access.models import PolicyUserPermission
from portal.kernel.ids import new_id

__all__ = [
    "CalendarFeed",
    "FreezeException",
    "FreezeWindow",
    "ImportedCalendar",
    "Origin",
    "Policy",
    "PolicySource",
    "PolicyUserPermission",
    "PolicyVersion",
]


class Policy(models.Model):
    """A named line of policy versions; at most one version is in force."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100, unique=True)
    in_force = models.ForeignKey(
        "policies.PolicyVersion", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    published_at = models.DateTimeField(null=True, blank=True)
    # Set when it came into force or went out of it, until what waits was judged again.
    moved_at = models.DateTimeField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        permissions = permissions(POLICY_CAPABILITIES)
        ordering = ["name"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(
                    in_force__isnull=True, published_by__isnull=True, published_at__isnull=True
                )
                | models.Q(
                    in_force__isnull=False,
                    published_by__isnull=False,
                    published_at__isnull=False,
                ),
                name="policy_in_force_says_by_whom",
            )
        ]

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One saved document: number, text and digest never change (a trigger refuses it)."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    text = models.TextField(_("document"))
    digest = models.CharField(max_length=71)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(_("what changes and why"), max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        default_permissions = ()
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["policy", "number"], name="policy_number_once")
        ]

    def __str__(self) -> str:
        return f"{self.policy.name} v{self.number}"
