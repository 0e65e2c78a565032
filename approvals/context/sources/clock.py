"""The time of the verdict, as facts."""

from collections.abc import Mapping

from approvals.context.source import Question, Source
from portal.kernel.clock import rfc3339

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class ClockSource(Source):
    """Weekday and hour in UTC."""

    name = "clock"
    gives = ("time",)
    at_hand = True

    def read(self, question: Question) -> Mapping[str, object | None]:
        return {
            "time.weekday": _DAYS[question.now.weekday()],
            "time.hour": question.now.hour,
            "time.now": rfc3339(question.now),
        }
