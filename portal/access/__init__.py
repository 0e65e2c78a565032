"""Who holds which capability on what: the only place that knows django-guardian."""

from portal.access.capabilities import ROLES, Capability, Role
from portal.access.grants import grant_role, revoke_role, roles_held
from portal.access.holds import (
    granted_ids,
    holders,
    holds,
    permitted_ids,
    require,
)

__all__ = [
    "ROLES",
    "Capability",
    "Role",
    "grant_role",
    "granted_ids",
    "holders",
    "holds",
    "permitted_ids",
    "require",
    "revoke_role",
    "roles_held",
]
