"""The portal's own history of an environment: what runs there, how often, how well."""

from collections.abc import Mapping

from approvals.context.source import Question, Source
from policies.language.facts import Unknown

_NOTHING_ENDED = Unknown("nothing ended there in the last 30 days", "absent")
_NO_LEAD = Unknown("no success there in the last 30 days whose commit's time was read", "absent")
_NO_RESTORE = Unknown("no success followed a failure there in the last 30 days", "absent")


class HistorySource(Source):
    """Facts about what happened on this environment before."""

    name = "history"
    gives = ("history",)
    at_hand = True
    silence = "nothing has run there yet"

    def read(self, question: Question) -> Mapping[str, object | None]:
        past = question.history
        age = (
            max(0, int((question.now - past.running_since).total_seconds()))
            if past.running_since
            else None
        )
        return {
            "history.running_commit": past.running_commit,
            "history.running_since_s": age,
            "history.last_success_age_s": age,
            "history.last_outcome": past.last_outcome,
            "history.deploys_7d": past.permits_7d,
            "history.failures_7d": past.failures_7d,
            "history.first_time": past.running_since is None,
            "history.deploys_30d": past.permits_30d,
            "history.failure_rate_30d": _share(past.failures_30d, past.permits_30d),
            "history.lead_time_s": _seconds(past.lead_time_s, _NO_LEAD),
            "history.restore_time_s": _seconds(past.restore_time_s, _NO_RESTORE),
        }


def _share(failed: int, ended: int) -> float | Unknown:
    return failed / ended if ended else _NOTHING_ENDED


def _seconds(median: float | None, silence: Unknown) -> int | Unknown:
    return silence if median is None else round(median)
