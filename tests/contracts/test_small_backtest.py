"""A policy repository's pipeline asks what a document would have said; nothing is stored."""

import pytest

from approvals.models import Backtest
from portal.accounts.authentication import issue_token
from portal.ledger.models import Entry
from tests.api import call, code
from tests.factories import STAGING_AUTO, ask, decide

PATH = "/policies/backtest"
PRODUCTION = "require: {count: 1, from: [team-leads]}"


def backtest(secret, document, **more):
    return call(secret, "post", PATH, {"document": document, **more})


@pytest.fixture
def asked(who):
    """One let through by policy, one that a person approved, one that waits."""
    return [ask(who, "staging"), decide(ask(who), who.alice), ask(who)]


def test_what_would_change_is_told_looser_first_with_its_address(who, asked):
    looser = STAGING_AUTO.replace(f"{PRODUCTION}\ndefault", "approve: auto\ndefault")
    looser = looser.replace("approve: auto\n  - id: never", f"{PRODUCTION}\n  - id: never")
    found = backtest(who.secret, looser).json()
    assert (found["ok"], found["replayed"], found["touched"]) == (True, 3, 3)
    assert [(one["old"], one["new"], one["looser"]) for one in found["changed"]] == [
        ("review", "allow", True),
        ("review", "allow", True),
        ("allow", "review", False),
    ]
    assert found["changed"][2]["url"].endswith(f"/requests/{asked[0].id}")
    assert (found["people_then"], found["people_now"]) == (2, 1)


def test_the_same_document_changes_nothing_and_names_rules_that_never_fired(who, asked):
    found = backtest(who.secret, STAGING_AUTO, last=2).json()
    assert (found["replayed"], found["changed"]) == (2, [])
    assert {r["rule"] for r in found["rules"] if not r["applies"]} >= {"never-testing"}


def test_nothing_is_stored_and_it_is_no_backtest_that_was_read(who, asked):
    before = Entry.objects.count()
    assert backtest(who.secret, STAGING_AUTO).status_code == 200
    assert (Backtest.objects.count(), Entry.objects.count()) == (0, before)


def test_a_token_sees_its_own_project_and_environments_only(who, asked):
    _, secret = issue_token(
        by=who.admin, account=who.account, scopes=["read"], environments=[who.staging]
    )
    assert backtest(secret, STAGING_AUTO).json()["replayed"] == 1
    assert backtest(who.secret, STAGING_AUTO).json()["replayed"] == 3


@pytest.mark.parametrize("last", [0, 501, "many", None, 1.5])
def test_how_many_is_bounded(who, last):
    answer = backtest(who.secret, STAGING_AUTO, last=last)
    assert (answer.status_code, code(answer)) == (422, "invalid")
    assert backtest(who.secret, STAGING_AUTO, last=500).status_code == 200


def test_a_broken_document_is_told_by_line(who):
    found = backtest(who.secret, STAGING_AUTO.replace("rules:", "ruels:")).json()
    assert (found["ok"], found["replayed"]) == (False, 0)
    assert found["problems"][0]["line"] == 4
