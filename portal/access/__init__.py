"""Who holds which capability on what: the only place that knows django-guardian."""

from portal.access.capabilities import ROLES, Capability, Role
from portal.access.grants import (
    check_grant,
    grant_role,
    remove_ended,
    revoke_role,
    roles_held,
    set_sourced_roles,
)
from portal.access.holds import (
    Places,
    holders,
    holds,
    permitted_ids,
    places_of,
    require,
)

__all__ = [
    "ROLES",
    "Capability",
    "Places",
    "Role",
    "check_grant",
    "grant_role",
    "holders",
    "holds",
    "permitted_ids",
    "places_of",
    "remove_ended",
    "require",
    "revoke_role",
    "roles_held",
    "set_sourced_roles",
]
