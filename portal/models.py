"""Django looks here; the models live with their subject."""

from portal.access.models import (
    ApproverGroupUserPermission,
    EnvironmentUserPermission,
    Organisation,
    OrganisationUserPermission,
    ProjectUserPermission,
    RoleGrant,
)
from portal.accounts.models import Absence, ProjectToken, ServiceAccount, User
from portal.directory.models import (
    ApproverGroup,
    Delegation,
    Departure,
    Environment,
    Membership,
    Project,
)
from portal.ledger.models import Entry

__all__ = [
    "Absence",
    "ApproverGroup",
    "ApproverGroupUserPermission",
    "Delegation",
    "Departure",
    "Entry",
    "Environment",
    "EnvironmentUserPermission",
    "Membership",
    "Organisation",
    "OrganisationUserPermission",
    "Project",
    "ProjectToken",
    "ProjectUserPermission",
    "RoleGrant",
    "ServiceAccount",
    "User",
]
