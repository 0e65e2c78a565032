"""A portal that nobody administers could never be put right: somebody always does, with no end."""

from portal.access.capabilities import Capability
from portal.access.models import Organisation, OrganisationUserPermission
from portal.kernel.errors import Conflict


def lock_portal() -> None:
    """One change of who administers at a time: each sees what the others left."""
    list(Organisation.objects.select_for_update(no_key=True))


def check_administered() -> None:
    """Raise Conflict unless somebody active administers the portal with no end.

    To be asked after the change, under `lock_portal`.
    """
    rows = OrganisationUserPermission.objects.filter(
        user__is_active=True, permission__codename=Capability.ADMINISTER.value, until=None
    )
    if not rows.exists():
        raise Conflict(
            "Nobody would administer the portal without an end any more. Grant that to somebody "
            "else first.",
            code="last-administrator",
        )
