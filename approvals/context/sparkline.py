"""What a number was in the last hours: for people to look at, no fact and never judged."""

from datetime import timedelta

from approvals.context.breaker import usable
from approvals.context.configured import Configured
from approvals.context.connected import noting_errors
from approvals.context.fetch import Fetch
from approvals.context.registry import CONNECTED
from approvals.context.source import Question
from approvals.context.sources.prometheus import Points, PrometheusSource

HOURS = 12
SECONDS = 2.0


def sparkline_points(
    connection: Configured, name: str, question: Question, *, hours: int = HOURS
) -> Points:
    """(time, value) of the fact `name`, the oldest first; what is missing is left out.

    Empty where the connection keeps no past of it. The answer is kept and shared like every other,
    until a point more has come. Raises SourceFailed.
    """
    source = CONNECTED.get(connection.kind)
    if not isinstance(source, PrometheusSource):
        return ()
    row = usable(connection.id)
    fetch = Fetch(row, budget=SECONDS, time_to_live=timedelta(hours=hours))
    with noting_errors(row):
        return source.points(question, fetch, name, hours)
