"""What the request itself says: the subject it is bound to, and the caller's claims."""

from collections.abc import Mapping

from approvals.context.source import Question, Source
from approvals.context.sources.terraform import plan_facts


class RequestSource(Source):
    """Project, environment, action and subject (the permit is bound to them), and who asks."""

    name = "request"
    gives = ("request",)
    at_hand = True

    def read(self, question: Question) -> Mapping[str, object | None]:
        run = question.run
        return {
            "request.project": question.project,
            "request.environment": question.environment,
            "request.tier": question.tier,
            "request.action": question.action,
            "request.commit": question.commit,
            "request.ref": question.subject.get("ref", ""),
            "request.artifact": question.subject.get("artifact", ""),
            "request.plan": question.subject.get("plan", ""),
            "request.run_attempt": run.get("attempt", 1),
            "request.labels": question.labels,
            "request.actor": run.get("actor", ""),
            "request.reason": question.reason,
            "request.system": run.get("system", ""),
            "request.pipeline": run.get("pipeline", ""),
            "request.job": run.get("job", ""),
        }


class ClaimsSource(Source):
    """Facts that only the caller vouches for; they can tighten a verdict, never loosen it.

    A plan that was sent is believed before what is said about one.
    """

    name = "claims"
    gives = ("tests", "deploy", "terraform")
    at_hand = True
    silence = "the pipeline did not say"

    def read(self, question: Question) -> Mapping[str, object | None]:
        return {**question.claims, **plan_facts(question)}
