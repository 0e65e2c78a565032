"""A plan that came with a request as facts: policies read them, and nothing is loosened by one."""

import pytest

from approvals.context import plans
from approvals.context.plans import read_plan
from approvals.states import Status
from policies.language.facts import Facts, Known
from tests.factories import ask, company
from tests.plans import a_change, a_plan

POLICY = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules:
  - id: database
    when: terraform.destroyed.exists(a, a.contains('aws_db_instance.'))
    deny: The plan destroys a database ({terraform.destroyed}).
  - {id: staging, when: request.tier == 'staging', approve: auto}
  - {id: destroys, when: terraform.destroys > 0, require: {count: 1, from: [team-leads]}}
default: {require: {count: 1, from: [team-leads]}}
hold: [terraform.plan_digest]
"""


@pytest.fixture
def who(db):
    return company(POLICY)


def planned(who, *changes, **fields):
    plan = read_plan(a_plan(*changes))
    return ask(
        who, "staging", action="apply", plan=plan, subject={"plan": plan.digest}, **fields
    )  # fmt: skip


def fact(request, name):
    state = Facts.from_json(request.snapshot.facts).state(f"terraform.{name}")
    return state.value if isinstance(state, Known) else state


def test_a_plan_is_judged_inside_the_post(who):
    harmless = planned(who, a_change("aws_lb.front", "update"))
    assert harmless.status == Status.APPROVED
    asked = planned(who, a_change("aws_lb.front", "delete"))
    assert asked.status == Status.PENDING
    denied = planned(who, a_change("module.shop.aws_db_instance.main", "delete", "create"))
    assert denied.status == Status.DENIED
    assert "module.shop.aws_db_instance.main" in str(denied.verdict.body)


def test_every_fact_of_a_plan_is_known_and_claimed(who):
    request = planned(who, a_change("aws_lb.front", "delete", "create"))
    states = Facts.from_json(request.snapshot.facts)
    told = {name: state for name, state in states.items() if name.startswith("terraform.")}
    assert {state.provenance for state in told.values()} == {"claimed"}
    assert {name.partition(".")[2]: state.value for name, state in told.items()} == {
        "adds": 1,
        "changes": 0,
        "destroys": 1,
        "replaces": 1,
        "resource_types": ("aws_lb",),
        "destroyed": ("aws_lb.front",),
        "sensitive_outputs": False,
        "plan_digest": request.subject["plan"],
    }


def test_a_plan_is_believed_before_what_is_said_of_one(who):
    request = planned(
        who, a_change("aws_lb.front", "delete"), claims={"terraform.destroys": 0}
    )  # fmt: skip
    assert fact(request, "destroys") == 1
    assert request.status == Status.PENDING


def test_without_a_plan_what_was_said_counts_and_the_rest_is_unknown(who):
    request = ask(who, "staging", claims={"terraform.destroys": 3})
    assert fact(request, "destroys") == 3
    assert fact(request, "destroyed").kind == "absent"
    assert (request.status, request.verdict.outcome) == (Status.PENDING, "blocked")


def test_a_list_that_is_too_long_is_unknown(who, monkeypatch):
    monkeypatch.setattr(plans, "MOST_LISTED", 1)
    rows = [a_change(f"aws_lb.front[{number}]", "delete") for number in range(2)]
    request = planned(who, *rows)
    assert fact(request, "destroys") == 2
    assert "of them" in fact(request, "destroyed").reason
    assert request.verdict.outcome == "blocked"
