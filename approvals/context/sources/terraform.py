"""What the Terraform plan that came with the request would do, as facts."""

from approvals.context.plans import MOST_LISTED
from approvals.context.source import Question
from policies.language.facts import Unknown

_TOO_LONG = Unknown(f"more than {MOST_LISTED} of them, or very long ones", "absent")


def plan_facts(question: Question) -> dict[str, object]:
    """The summary of the plan; nothing when none came."""
    if question.plan is None:
        return {}
    return {
        "terraform.plan_digest": question.subject["plan"],
        **{
            f"terraform.{name}": _TOO_LONG if value is None else value
            for name, value in question.plan.items()
        },
    }
