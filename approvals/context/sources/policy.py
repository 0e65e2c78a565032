"""What the portal knows of a policy version that is to be published or retired."""

from collections.abc import Mapping

from approvals.context.backtested import backtest_seen
from approvals.context.source import Question, Source
from policies.proposal import facts_of


class PolicySource(Source):
    """Facts about the version that a request is for; every other request has none."""

    name = "policy"
    gives = ("policy",)
    at_hand = True
    silence = "the request is not about a policy"

    def applies(self, question: Question) -> bool:
        return question.policy_version is not None

    def read(self, question: Question) -> Mapping[str, object | None]:
        version = question.policy_version
        if version is None:
            return {}
        return {**facts_of(version), "policy.backtest_seen": backtest_seen(version)}
