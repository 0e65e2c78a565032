"""The calendar as facts: a freeze in force or to come, business hours."""

from collections.abc import Mapping

from approvals.context.source import Question, Source
from policies.freezes.state import FreezeState, business_hours, freeze_state
from policies.language.facts import Unknown


class FreezesSource(Source):
    """Freezes, exceptions and business hours that reach the environment."""

    name = "freezes"
    gives = ("ops",)
    at_hand = True
    silence = "no business hours are defined there, or an imported calendar cannot be read"

    def read(self, question: Question) -> Mapping[str, object | None]:
        hours, why = business_hours(question.calendar, question.now)
        return {
            **_freeze_facts(freeze_state(question.calendar, question.now)),
            "ops.business_hours": Unknown(why, "unavailable") if hours is None else hours,
        }


def _freeze_facts(state: FreezeState) -> dict[str, object]:
    """A freeze in force is known for sure, whatever else is not; what comes next may not be."""
    unknown = Unknown(state.unknown, "unavailable")
    if state.in_force is None:
        now: dict[str, object] = dict.fromkeys(_NOW, unknown)
    else:
        values = (state.in_force, state.reason, state.ends_s, state.exception)
        now = dict(zip(_NOW, values, strict=True))
    if state.next_s is None:
        return {**now, **dict.fromkeys(_NEXT, unknown)}
    return {**now, **dict(zip(_NEXT, (state.next_s, state.next_reason), strict=True))}


_NOW = ("ops.freeze", "ops.freeze_reason", "ops.freeze_ends_s", "ops.freeze_exception")
_NEXT = ("ops.next_freeze_s", "ops.next_freeze_reason")
