"""Granting and revoking named exceptions from freezes."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from policies.freezes.ledger import EXCEPTION, record_change
from policies.freezes.looks import look_now
from policies.freezes.models import FreezeException
from policies.freezes.scope import Scope, require_manage
from portal.access import Capability, require
from portal.kernel.clock import now
from portal.kernel.validation import insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import state_of

LONGEST = timedelta(days=90)


@transaction.atomic
def grant_exception(
    *,
    by: Any,
    scope: Scope,
    name: str,
    reason: str,
    until: datetime,
    action: str = "",
    lifts_organisation: bool = False,
) -> FreezeException:
    """From now until `until` freezes do not count there, for one action where it is named.

    It lifts the freezes of the project and its environments, which its maintainers may; those of
    the whole organisation too with `lifts_organisation`, which administrators may. Raises
    Forbidden, Invalid, Conflict for a project out of use.
    """
    if scope.project is None:
        raise invalid("scope", "An exception is for one project or one of its environments.")
    require_manage(by, scope)
    if lifts_organisation:
        require(by, Capability.ADMINISTER)
    at = now()
    if not at < until <= at + LONGEST:
        raise invalid("until", f"Choose a time in the next {LONGEST.days} days.")
    exception = FreezeException(
        project=scope.project,
        environment=scope.environment,
        name=name,
        reason=reason,
        action=action,
        lifts_organisation=lifts_organisation,
        until=until,
        granted_by=by,
        granted_at=at,
    )
    look_now(exception, at)
    insert_row(exception)
    record_change("freeze_exception.granted", person_actor(by), exception, {}, EXCEPTION)
    return exception


@transaction.atomic
def revoke_exception(*, by: Any, exception: FreezeException) -> FreezeException:
    """Freezes count again from now on; again changes nothing. Maintainers of the project may."""
    require(by, Capability.MAINTAIN, exception.project)
    exception = FreezeException.objects.select_for_update().get(pk=exception.pk)
    if exception.revoked_at:
        return exception
    before = state_of(exception, ["revoked_at"])
    exception.revoked_at = now()
    exception.save(update_fields=["revoked_at", *look_now(exception, exception.revoked_at)])
    record_change("freeze_exception.revoked", person_actor(by), exception, before, ["revoked_at"])
    return exception
