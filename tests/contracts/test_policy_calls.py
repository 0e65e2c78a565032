"""Policy documents of a repository's pipeline: checked, tested and explained; nothing is stored."""

import pytest

from approvals.ci.examples import DOCUMENT as EXAMPLE
from approvals.ci.policy_schemas import CheckOut, ExplainOut
from policies.models import PolicyVersion
from portal.accounts.authentication import issue_token
from portal.ledger.models import Entry
from tests.api import call, code
from tests.factories import ask

FAILING = EXAMPLE.replace("verdict: review", "verdict: allow")
EMPTY = EXAMPLE.replace("from: [team-leads]", "from: [team-leads, nobody]")
TYPO = EXAMPLE.replace("request.environment ==", "request.enviroment ==")


@pytest.fixture(autouse=True)
def nothing_is_stored(who):
    drafts = Entry.objects.filter(type__startswith="policy.")
    before = PolicyVersion.objects.count(), drafts.count()
    yield
    assert (PolicyVersion.objects.count(), drafts.count()) == before


def check(who, document, secret=None):
    return call(secret or who.secret, "post", "/policies/check", {"document": document})


def explain(who, document=EXAMPLE, **about):
    return call(who.secret, "post", "/policies/explain", {"document": document, **about})


def explained(answer):
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert set(found) == set(ExplainOut.model_fields)
    return ExplainOut.model_validate(found)


def checked(answer):
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert set(found) == set(CheckOut.model_fields)
    return CheckOut.model_validate(found)


def test_a_good_document_is_ok_with_its_tests(who):
    found = checked(check(who, EXAMPLE))
    assert (found.ok, found.policy, found.problems, found.groups) == (True, "shop", [], [])
    (test,) = found.tests
    assert (test.passed, test.verdict, test.because) == (True, "review", ["production-lead"])
    assert (test.line, test.column) == (10, 5)
    assert found.digest.startswith("sha256:")


def test_a_mistake_is_told_with_its_place_and_what_was_meant(who):
    found = checked(check(who, TYPO))
    (problem,) = found.problems
    assert (found.ok, problem.line, problem.column, found.tests) == (False, 6, 11, [])
    assert "did you mean 'request.environment'" in problem.message


def test_a_failing_test_says_what_differs(who):
    found = checked(check(who, FAILING))
    (test,) = found.tests
    assert (found.ok, test.passed, found.problems) == (False, False, [])
    assert test.differences == ["the verdict is review because of production-lead, not allow"]


def test_a_group_without_members_is_named_where_it_stands(who):
    found = checked(check(who, EMPTY))
    (group,) = found.groups
    assert (found.ok, group.line) == (False, 7)
    assert "nobody" in group.message
    assert all(test.passed for test in found.tests)


@pytest.mark.parametrize("document", ["", "a: [", "x" * 100, "policy: a\x85b", "é: \u202e", "~"])
def test_whatever_text_comes_is_answered_with_a_place(who, document):
    found = checked(check(who, document))
    assert not found.ok
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found.problems)
    assert found.problems


def test_line_ends_of_another_system_are_no_mistake(who):
    found = checked(check(who, EXAMPLE.replace("\n", "\r\n")))
    assert (found.ok, found.digest) == (True, checked(check(who, EXAMPLE)).digest)


def test_a_document_of_64_kib_is_read_and_a_longer_one_refused(who):
    room = 64 * 1024 - len(EXAMPLE) - 2
    assert checked(check(who, EXAMPLE + "# " + "x" * room)).ok
    answer = check(who, EXAMPLE + "# " + "x" * (room + 1))
    assert (answer.status_code, code(answer)) == (422, "invalid")
    answer = check(who, "\\" * 300_000)
    assert (answer.status_code, code(answer)) == (413, "too-large")


@pytest.mark.parametrize(
    "body", [{}, {"document": 1}, {"document": None}, {"document": EXAMPLE, "name": "x"}]
)
def test_a_wrong_body_is_invalid(who, body):
    answer = call(who.secret, "post", "/policies/check", body)
    assert (answer.status_code, code(answer)) == (422, "invalid")


@pytest.mark.parametrize("verb", ["check", "explain"])
@pytest.mark.parametrize("scopes", [["request"], ["read"]])
def test_only_a_token_that_reads_may_ask(who, verb, scopes):
    _, secret = issue_token(by=who.admin, account=who.account, scopes=scopes)
    body = {"document": EXAMPLE, **({"facts": {}} if verb == "explain" else {})}
    answer = call(secret, "post", f"/policies/{verb}", body)
    if scopes == ["read"]:
        assert answer.status_code == 200
    else:
        assert (answer.status_code, code(answer)) == (403, "missing-scope")


def test_a_request_is_explained_by_its_id_and_by_its_number(who):
    request = ask(who)
    by_id = explained(explain(who, request=str(request.id)))
    by_number = explained(explain(who, request=request.number))
    assert by_id == by_number
    assert (by_id.ok, by_id.matches, by_id.verdict.outcome) == (True, True, "review")
    (rule,) = [rule for rule in by_id.verdict.rules if rule.rule == "production-lead"]
    assert (rule.result, rule.remedy, rule.version) == (
        "applies",
        "1 approval from team-leads.",
        0,
    )
    request.refresh_from_db()
    assert request.status == "pending"


def test_what_a_connection_would_tell_may_be_read_and_given(who):
    slow = EXAMPLE.replace("request.environment == 'production'", "metric.p99_s > 2.0", 1)
    by_number = explained(explain(who, slow, request=ask(who).number))
    (rule,) = [rule for rule in by_number.verdict.rules if rule.rule == "production-lead"]
    assert rule.result == "cannot_tell"
    assert "no source is connected for it" in rule.sentence
    given = {"request.project": "shop", "request.environment": "production",
             "request.action": "deploy", "metric.p99_s": 0.5}  # fmt: skip
    found = explained(explain(who, slow, facts=given))
    (rule,) = [rule for rule in found.verdict.rules if rule.rule == "production-lead"]
    assert rule.result == "does_not"
    answer = explain(who, slow, facts={**given, "metrics.p99_s": 0.5})
    assert "did you mean 'metric.p99_s'?" in answer.json()["errors"][0]["message"]


def test_a_request_that_the_document_does_not_match_gets_no_verdict(who):
    request = ask(who)
    found = explained(explain(who, EXAMPLE.replace("[shop]", "[bank]"), request=request.number))
    assert (found.ok, found.matches, found.verdict) == (False, False, None)


def test_facts_by_hand_are_judged_and_what_is_not_given_is_unknown(who):
    found = explained(explain(who, facts={"request.environment": "staging"}))
    assert found.verdict.outcome == "review"  # its default
    unknown = explained(explain(who, facts={"request.environment": None}))
    assert unknown.verdict is None or unknown.verdict.outcome == "deny"
    silent = explained(explain(who, EXAMPLE.replace("'production'", "git.head"), facts={}))
    (rule,) = [rule for rule in silent.verdict.rules if rule.rule == "production-lead"]
    assert rule.result == "cannot_tell"
    assert "git.head is unknown (not given)" in rule.sentence


def test_a_document_with_mistakes_is_not_explained(who):
    found = explained(explain(who, TYPO, facts={}))
    assert (found.ok, found.verdict, len(found.problems)) == (False, None, 1)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"git.haed": "x"}, "did you mean 'git.head'"),
        ({"git.exists": "yes"}, "must be true or false"),
        ({"git.paths": "a"}, "must be a list of texts"),
        ({"request.tier": "moon"}, "must be one of"),
        ({"git.head": "a\x00b"}, "NUL"),
    ],
)
def test_a_wrong_fact_is_named(who, facts, said):
    answer = explain(who, facts=facts)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    (error,) = answer.json()["errors"]
    assert error["field"] == f"facts.{next(iter(facts))}"
    assert said in error["message"]


@pytest.mark.parametrize(
    "about",
    [{}, {"request": 1, "facts": {}}, {"request": "x"}, {"request": 0}, {"request": 2**63},
     {"request": True}, {"facts": []}, {"facts": {"a": {"b": 1}}}],
)  # fmt: skip
def test_what_is_to_be_judged_must_be_named_once(who, about):
    answer = explain(who, **about)
    assert (answer.status_code, code(answer)) == (422, "invalid")


def test_a_request_of_another_project_is_not_there(who, other):
    mine, theirs = who, other
    for name in (theirs.number, str(theirs.id)):
        answer = explain(mine, request=name)
        assert (answer.status_code, code(answer)) == (404, "not-found")


@pytest.fixture
def other(who):
    """A request of a project that the token is not for."""
    from approvals.lifecycle.submit import submit_request
    from portal.accounts.authentication import authenticate_token
    from portal.accounts.service_accounts import create_service_account
    from portal.directory.environments import create_environment
    from portal.directory.projects import create_project
    from tests.factories import submission

    bank = create_project(by=who.admin, slug="bank", name="Bank")
    create_environment(by=who.admin, project=bank, name="production", tier="production")
    account = create_service_account(by=who.admin, project=bank, name="bot", owner=who.carol)
    _, secret = issue_token(by=who.admin, account=account, scopes=["request"])
    request, _ = submit_request(
        token=authenticate_token(secret),
        submission=submission(project="bank"),
        idempotency_key="k",
    )
    request.refresh_from_db()
    return request
