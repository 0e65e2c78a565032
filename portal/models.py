"""Django looks here; the models live with their subject."""

from portal.access.models import (
    ApproverGroupUserPermission,
    EnvironmentUserPermission,
    Organisation,
    OrganisationUserPermission,
    ProjectUserPermission,
    RoleGrant,
)
from portal.accounts.models import (
    Absence,
    ForgeAccount,
    ForgeChallenge,
    Invitation,
    ProjectToken,
    ServiceAccount,
    Session,
    User,
)
from portal.accounts.trusts.models import Trust
from portal.directory.models import (
    ApproverGroup,
    Delegation,
    Departure,
    Environment,
    Membership,
    Project,
)
from portal.directory.reviews.models import AccessReview, ReviewItem
from portal.ledger.models import Entry
from portal.oidc.models import ClaimRule, SignInProvider
from portal.scim.models import Directory, KeptGroup, KeptPerson

__all__ = [
    "Absence",
    "AccessReview",
    "ApproverGroup",
    "ApproverGroupUserPermission",
    "ClaimRule",
    "Delegation",
    "Departure",
    "Directory",
    "Entry",
    "Environment",
    "EnvironmentUserPermission",
    "ForgeAccount",
    "ForgeChallenge",
    "Invitation",
    "KeptGroup",
    "KeptPerson",
    "Membership",
    "Organisation",
    "OrganisationUserPermission",
    "Project",
    "ProjectToken",
    "ProjectUserPermission",
    "ReviewItem",
    "RoleGrant",
    "ServiceAccount",
    "Session",
    "SignInProvider",
    "Trust",
    "User",
]
