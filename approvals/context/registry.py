"""Every source there is. Explicit: an unknown name is an error, never skipped."""

from approvals.context.connected import ConnectedSource
from approvals.context.installed import installed_sources
from approvals.context.source import Source
from approvals.context.sources.alertmanager import AlertmanagerSource
from approvals.context.sources.clock import ClockSource
from approvals.context.sources.freezes import FreezesSource
from approvals.context.sources.git import GitSource
from approvals.context.sources.github.source import GitHubSource
from approvals.context.sources.gitlab.source import GitLabSource
from approvals.context.sources.hcp_terraform import HcpTerraformSource
from approvals.context.sources.history import HistorySource
from approvals.context.sources.http_json import HttpJsonSource
from approvals.context.sources.image import ImageSource
from approvals.context.sources.incidents import IncidentsSource
from approvals.context.sources.policy import PolicySource
from approvals.context.sources.prometheus import PrometheusSource
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

OURS: tuple[type[ConnectedSource], ...] = (
    HttpJsonSource,
    ImageSource,
    PrometheusSource,
    AlertmanagerSource,
    IncidentsSource,
    GitHubSource,
    GitLabSource,
    HcpTerraformSource,
)
# Kinds of outside systems that people can connect: ours, and those of packages that are installed
# beside the portal. PROBLEMS are sentences; with one of them the portal does not start.
CONNECTED, PROBLEMS = installed_sources(OURS, SOURCES.values())

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


def budget_of(key: str) -> float:
    """Seconds that one reading kept under `key` may take; 0 where its source is no more."""
    name = key.partition(":")[0]
    source = SOURCES.get(name) or CONNECTED.get(name)
    return source.budget if source else 0.0
