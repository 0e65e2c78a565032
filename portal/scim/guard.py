"""What a directory may not do to somebody it keeps: give what an administrator has or took away."""

from typing import Any

from portal.access.models import RoleGrant
from portal.kernel.errors import Forbidden
from portal.scim.models import Directory


def check_rewrite(person: Any) -> None:
    """Raise Forbidden for an administrator: by another address or sign-in name somebody else could
    become one."""
    if _administers(person):
        raise Forbidden(
            f"{person} administers the portal. Another administrator changes them, by hand.",
            code="administrator",
        )


def check_return(directory: Directory, person: Any) -> None:
    """Raise Forbidden for who is not the directory's to bring back."""
    if _administers(person):
        raise Forbidden(
            f"{person} administers the portal. Another administrator reactivates them, by hand.",
            code="administrator",
        )
    if person.deactivated_by != str(directory.pk):
        raise Forbidden(
            f"{person} was not deactivated by this directory. An administrator reactivates them.",
            code="deactivated-elsewhere",
        )


def _administers(person: Any) -> bool:
    return RoleGrant.objects.filter(person=person, role="administrator").exists()
