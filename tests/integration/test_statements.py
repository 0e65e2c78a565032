"""How many statements a POST costs: the promise that keeps intake quick (DESIGN section 9)."""

import secrets

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import COMMIT

MOST = 12

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]


def post(who, environment, key=None):
    """One POST of a pipeline, and the SQL it took."""
    run = key or secrets.token_hex(8)
    body = {
        "project": "shop",
        "environment": environment,
        "action": "deploy",
        "subject": {"commit": COMMIT},
        "run": {"id": run, "attempt": 1},
    }
    headers = {"Authorization": f"Bearer {who.secret}", "Idempotency-Key": run}
    with CaptureQueriesContext(connection) as captured:
        answer = Client().post(
            "/api/v1/requests", body, content_type="application/json", headers=headers
        )
    return answer, [query["sql"] for query in captured.captured_queries]


@pytest.fixture
def warm(who):
    """The second call of a process: documents are parsed, the token's use is noted."""
    post(who, "staging")
    return who


def test_an_auto_approved_post_is_one_transaction_of_at_most_12_statements(warm):
    answer, statements = post(warm, "staging")
    assert (answer.status_code, answer.json()["status"]) == (201, "approved")
    assert [s for s in statements if s in {"BEGIN", "COMMIT", "ROLLBACK"}] == ["BEGIN", "COMMIT"]
    assert len(statements) <= MOST, "\n".join(statements)


def test_everything_a_post_writes_is_written_between_its_begin_and_commit(warm):
    _, statements = post(warm, "production")
    begin, commit = statements.index("BEGIN"), statements.index("COMMIT")
    writes = [n for n, s in enumerate(statements) if "INSERT" in s or s.startswith("UPDATE")]
    assert writes
    assert all(begin < n < commit for n in writes)


def test_a_post_that_waits_for_people_costs_four_statements_more_at_most(warm):
    answer, statements = post(warm, "production")
    assert answer.json()["status"] == "pending"
    assert len(statements) <= MOST + 4, "\n".join(statements)


def test_the_same_post_again_writes_nothing(warm):
    first, _ = post(warm, "staging", "same-key")
    again, statements = post(warm, "staging", "same-key")
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert not [s for s in statements if not s.lstrip().startswith("SELECT")]
    assert len(statements) <= 5, "\n".join(statements)


def test_statements_do_not_grow_with_the_requests_there_are(warm):
    _, few = post(warm, "staging")
    for _ in range(10):
        post(warm, "production")
    _, many = post(warm, "staging")
    assert len(many) == len(few)
