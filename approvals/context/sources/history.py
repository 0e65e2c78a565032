"""The portal's own history of an environment: what runs there, how often, how well."""

from collections.abc import Mapping

from approvals.context.source import Question, Source


class HistorySource(Source):
    """Facts about what happened on this environment before."""

    name = "history"
    gives = (
        "history.running_commit",
        "history.running_since_s",
        "history.last_success_age_s",
        "history.last_outcome",
        "history.deploys_7d",
        "history.failures_7d",
        "history.first_time",
    )
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
        }
