"""What a Terraform plan would do, as facts."""

from collections.abc import Mapping

from approvals.context.plans import MOST_LISTED
from approvals.context.source import Question
from policies.language.facts import Unknown

_TOO_LONG = Unknown(f"more than {MOST_LISTED} of them, or very long ones", "absent")


def plan_facts(question: Question) -> dict[str, object]:
    """Of the plan that came with the request; nothing when none came."""
    return {} if question.plan is None else facts_of(question.subject["plan"], question.plan)


def facts_of(digest: str, summary: Mapping[str, object]) -> dict[str, object]:
    """Of a plan by its digest and its summary (`Plan.to_json`)."""
    return {
        "terraform.plan_digest": digest,
        **{
            f"terraform.{name}": _TOO_LONG if value is None else value
            for name, value in summary.items()
        },
    }
