"""Out of office: a person says for themselves on which days nobody should count on them."""

from datetime import date

from django.db import transaction

from portal.accounts.models import Absence, User
from portal.kernel.clock import now
from portal.kernel.validation import invalid
from portal.ledger.actors import person_actor
from portal.ledger.record import record


def _record(by: User) -> None:
    # Which days stays out of the ledger: it is nobody's business for ever.
    record(
        "person.changed",
        actor=person_actor(by),
        object={"kind": "person", "id": str(by.actor_ref)},
        change={"fields": ["absence"]},
    )


@transaction.atomic
def set_absence(*, by: User, first_day: date, last_day: date) -> Absence:
    """Say that `by` is away from `first_day` to `last_day`, both included; it replaces the one
    before. They may decide all the same. Raises Invalid."""
    if last_day < first_day:
        raise invalid("last_day", "It ends before it begins.")
    if last_day < now().date():
        raise invalid("last_day", "These days are over.")
    absence, _made = Absence.objects.update_or_create(
        person=by, defaults={"first_day": first_day, "last_day": last_day}
    )
    _record(by)
    return absence


@transaction.atomic
def end_absence(*, by: User) -> None:
    """Say that `by` is back; where they never were away, nothing changes."""
    gone, _rows = Absence.objects.filter(person=by).delete()
    if gone:
        _record(by)
