"""Statements of an auto-approved POST, with BEGIN and COMMIT."""

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from bench.company import found_company, pipeline, submission
from bench.figures import Figure
from bench.world import Database


def run(base: Database) -> list[Figure]:
    """The second POST of a process: policies are parsed, the token's use is noted."""
    headers = pipeline(found_company())
    _post(headers)
    with CaptureQueriesContext(connection) as captured:
        _post(headers)
    statements = [query["sql"] for query in captured.captured_queries]
    transactions = statements.count("BEGIN")
    note = "in one transaction" if transactions == 1 else f"in {transactions} transactions"
    name = "statements of an auto-approved POST"
    return [Figure(name, len(statements), at_most=12, note=note)]


def _post(headers: dict[str, str]) -> None:
    body, own = submission("staging")
    answer = Client().post(
        "/api/v1/requests", body, content_type="application/json",
        headers={**headers, "Idempotency-Key": own["Idempotency-Key"], "Host": "127.0.0.1"},
    )  # fmt: skip
    if answer.status_code != 201 or answer.json()["status"] != "approved":
        raise RuntimeError(f"the POST was answered with {answer.status_code}")
