"""Permission tables with real foreign keys (guardian's direct form), one per kind of object."""

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
