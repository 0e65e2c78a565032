"""What the portal knows of a policy version that is to be published or retired."""

from collections.abc import Mapping

from approvals.context.source import Question, Source
from policies.proposal import facts_of


class PolicySource(Source):
    """Facts about the version that a request is for; every other request has none."""

    name = "policy"
    at_hand = True
    silence = "the request is not about a policy"

    def applies(self, question: Question) -> bool:
        return question.policy_version is not None

    def read(self, question: Question) -> Mapping[str, object | None]:
        return {} if question.policy_version is None else facts_of(question.policy_version)
