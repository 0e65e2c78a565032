"""Every source there is. Explicit: an unknown name is an error, never skipped."""

from approvals.context.source import Source
from approvals.context.sources.clock import ClockSource
from approvals.context.sources.freezes import FreezesSource
from approvals.context.sources.git import GitSource
from approvals.context.sources.history import HistorySource
from approvals.context.sources.policy import PolicySource
from approvals.context.sources.request import ClaimsSource, RequestSource

SOURCES: dict[str, Source] = {
    source.name: source
    for source in (
        RequestSource(),
        ClaimsSource(),
        HistorySource(),
        ClockSource(),
        PolicySource(),
        FreezesSource(),
        GitSource(),
    )
}
AT_HAND = tuple(source for source in SOURCES.values() if source.at_hand)
REMOTE = tuple(source for source in SOURCES.values() if not source.at_hand)

# Facts that change by themselves with every second; a new value is no news about the world.
VOLATILE = frozenset(
    {
        "time.weekday",
        "time.hour",
        "time.now",
        "history.running_since_s",
        "history.last_success_age_s",
        "ops.freeze_ends_s",
        "ops.next_freeze_s",
        "deployment.age_s",
        "incident.oldest_age_s",
    }
)
