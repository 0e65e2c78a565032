"""How the sources of a request that waits are doing: answered, being read, or silent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from approvals.context.collect import question_about, remote_sources
from approvals.models import Connection, Reading, Request
from approvals.states import WAITING
from policies.language.facts import Facts, Known
from portal.kernel.clock import now


@dataclass(frozen=True)
class Attempt:
    """A source that has no answer to the last question: its name, why so far, and when it is asked
    again; the time is None where that is due now."""

    source: str
    why: str
    again_at: datetime | None


@dataclass(frozen=True)
class Readings:
    """`known` of `asked` sources have answered; `silent` by the facts that are theirs to give."""

    asked: int = 0
    known: int = 0
    oldest: datetime | None = None
    silent: Mapping[str, Attempt] = field(default_factory=dict)

    @property
    def failing(self) -> list[Attempt]:
        """Each source once that was asked and did not answer."""
        return list({one.source: one for one in self.silent.values() if one.why}.values())


def readings_of(request: Request) -> Readings:
    """One query for a request that waits, another where a source owes an answer."""
    if request.status not in WAITING:
        return Readings()
    rows = list(Reading.objects.filter(request=request).order_by("source"))
    answered = [row.observed_at for row in rows if row.observed_at and not row.error]
    owing = {row.source: row for row in rows if row.error or not row.observed_at}
    return Readings(
        asked=len(rows),
        known=len(answered),
        oldest=min(answered, default=None),
        silent=_silent(request, owing) if owing else {},
    )


def _silent(request: Request, owing: Mapping[str, Reading]) -> dict[str, Attempt]:
    at = now()
    found = {}
    for asked in remote_sources(question_about(request, at)):
        row = owing.get(asked.key)
        if row is not None:
            later = row.next_try if row.error and row.next_try and row.next_try > at else None
            attempt = Attempt(asked.source.label, row.error, later)
            found.update(dict.fromkeys(asked.facts, attempt))
    return found


def names_of_connections(facts: Facts) -> dict[str, str]:
    """What people called the connections that gave these facts, by the key that the facts carry
    (one query where there are any)."""
    keys = {state.source for state in facts.values() if isinstance(state, Known)}
    ids = {key.partition(":")[2]: key for key in keys if ":" in key}
    rows = Connection.objects.filter(pk__in=ids).values_list("pk", "name") if ids else ()
    return {ids[str(pk)]: name for pk, name in rows}
