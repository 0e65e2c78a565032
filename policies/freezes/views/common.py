"""What several pages of the calendar need."""

from typing import Any

from django.utils.translation import gettext as _

from policies.freezes.scope import Scope, manageable_scopes
from portal.kernel.errors import Forbidden


def offered_scopes(person: Any, *, required: bool = False) -> list[Scope]:
    """Where `person` may change the calendar. Raises Forbidden when `required` and nowhere."""
    scopes = manageable_scopes(person)
    if required and not scopes:
        raise Forbidden(
            _("You need the permission “maintain” on a project, or “administer” on this portal. "
              "An administrator can grant it."),
            code="missing-permission",
        )  # fmt: skip
    return scopes
