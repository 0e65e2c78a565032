"""What a directory may not do to somebody it keeps: give what an administrator has or took away."""

from typing import Any

from portal.access.models import RoleGrant
from portal.kernel.errors import Conflict, Forbidden
from portal.scim.models import Directory


def check_rewrite(person: Any) -> None:
    """Raise Forbidden for an administrator: by another address or sign-in name somebody else could
    become one."""
    if _administers(person):
        raise Forbidden(
            f"{person} administers the portal. Another administrator changes them, by hand.",
            code="administrator",
        )


def check_switch(directory: Directory, person: Any, *, active: bool) -> None:
    """Raise Forbidden for who is not the directory's to bring back, Conflict for the last
    administrator, without whom nobody could."""
    if active and _administers(person):
        raise Forbidden(
            f"{person} administers the portal. Another administrator reactivates them, by hand.",
            code="administrator",
        )
    if active and person.deactivated_by != str(directory.pk):
        raise Forbidden(
            f"{person} was not deactivated by this directory. An administrator reactivates them.",
            code="deactivated-elsewhere",
        )
    if not active and _administers(person) and not _others_administer(person):
        raise Conflict(
            f"{person} is the last active administrator. Make somebody else one first.",
            code="last-administrator",
        )


def _administers(person: Any) -> bool:
    grants = RoleGrant.objects.filter(person=person, role="administrator")
    return person.is_superuser or grants.exists()


def _others_administer(person: Any) -> bool:
    grants = RoleGrant.objects.filter(role="administrator", person__is_active=True)
    return grants.exclude(person=person).exists()
