"""Permission tables with real foreign keys (guardian's direct form), one per kind of object."""

from django.conf import settings
from django.db import models
from guardian.models import UserObjectPermissionBase

from portal.access.capabilities import ORGANISATION_CAPABILITIES, permissions


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
    this says why, so that roles that overlap are revoked one by one."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="role_grants"
    )
    role = models.CharField(max_length=50)
    kind = models.CharField(max_length=50)  # the object's model name
    object_id = models.CharField(max_length=36)
    # Empty: by hand. Else what keeps it and takes it away again, as “oidc:<id of the provider>”.
    source = models.CharField(max_length=100, default="", blank=True)

    class Meta:
        app_label = "portal"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "object_id", "person", "role"], name="role_granted_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} on {self.kind} {self.object_id}"


class OrganisationUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey(Organisation, on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "portal"


class ProjectUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey("portal.Project", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "portal"


class EnvironmentUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey("portal.Environment", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "portal"


class ApproverGroupUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey("portal.ApproverGroup", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "portal"


class PolicyUserPermission(UserObjectPermissionBase):
    content_object = models.ForeignKey("policies.Policy", on_delete=models.CASCADE)

    class Meta(UserObjectPermissionBase.Meta):
        app_label = "policies"
