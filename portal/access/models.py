"""Permission tables with real foreign keys (guardian's direct form), one per kind of object."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from guardian.models import UserObjectPermissionBase

from portal.access.capabilities import ORGANISATION_CAPABILITIES, ROLES, Role, permissions
from portal.kernel.clock import now


def in_time() -> Q:
    """Of a grant, or of a permission it amounts to: its end has not come yet."""
    return Q(until=None) | Q(until__gt=now())


class Organisation(models.Model):
    """The portal as a whole: the object of roles that reach over all projects. One row."""

    name = models.CharField(max_length=200)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        permissions = permissions(ORGANISATION_CAPABILITIES)

    def __str__(self) -> str:
        return self.name


class RoleGrant(models.Model):
    """One role granted to a person on one object. What it allows stands in the permission tables;
    this says why, so that roles that overlap are revoked one by one.

    From `until` on (None: no end) it counts for nothing, whether or not the sweep came by.
    """

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_grants"
    )
    role = models.CharField(max_length=50)
    kind = models.CharField(max_length=50)  # the object's model name
    object_id = models.CharField(max_length=36)
    # Empty: by hand. Else what keeps it and takes it away again, as “oidc:<id of the provider>”.
    source = models.CharField(max_length=100, default="", blank=True)
    until = models.DateTimeField(null=True)
    reason = models.TextField(_("reason"), max_length=500, blank=True)
    reason_salt = models.BinaryField(max_length=16, default=bytes)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True
    )
    granted_at = models.DateTimeField(null=True)  # None: before this was kept

    class Meta:
        app_label = "portal"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "person", "role"], name="role_granted_once"
            )
        ]
        indexes = [
            models.Index(fields=["until"], name="role_ends", condition=Q(until__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.role} on {self.kind} {self.object_id}"

    @property
    def definition(self) -> Role:
        """The role itself: its title and what it allows."""
        return ROLES[self.role]


class TimedPermission(UserObjectPermissionBase):
    """One capability of one person on one object, until the last grant of it ends."""

    until = models.DateTimeField(null=True)

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True


class OrganisationUserPermission(TimedPermission):
    content_object = models.ForeignKey(Organisation, on_delete=models.CASCADE)

    class Meta(TimedPermission.Meta):
        app_label = "portal"


class ProjectUserPermission(TimedPermission):
    content_object = models.ForeignKey("portal.Project", on_delete=models.CASCADE)

    class Meta(TimedPermission.Meta):
        app_label = "portal"


class EnvironmentUserPermission(TimedPermission):
    content_object = models.ForeignKey("portal.Environment", on_delete=models.CASCADE)

    class Meta(TimedPermission.Meta):
        app_label = "portal"


class ApproverGroupUserPermission(TimedPermission):
    content_object = models.ForeignKey("portal.ApproverGroup", on_delete=models.CASCADE)

    class Meta(TimedPermission.Meta):
        app_label = "portal"


class PolicyUserPermission(TimedPermission):
    content_object = models.ForeignKey("policies.Policy", on_delete=models.CASCADE)

    class Meta(TimedPermission.Meta):
        app_label = "policies"


# By the name of the object's model; guardian is untyped about classes.
PERMISSION_TABLES: dict[str, Any] = {
    "organisation": OrganisationUserPermission,
    "project": ProjectUserPermission,
    "environment": EnvironmentUserPermission,
    "approvergroup": ApproverGroupUserPermission,
    "policy": PolicyUserPermission,
}
