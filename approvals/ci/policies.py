"""Policy documents of a repository's own pipeline: checked and explained, never stored."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Router

from approvals.backtest.small import NOTHING, replay_newest
from approvals.ci.policy_schemas import (
    BacktestIn,
    BacktestOut,
    CheckIn,
    CheckOut,
    ExplainIn,
    ExplainOut,
)
from approvals.ci.present import present_backtest, present_verdict
from approvals.ci.schemas import Problem as ProblemAnswer
from approvals.context.collect import with_sourceless
from approvals.queries import readable_by, request_numbered
from policies.language.check import check_alone, problems_json
from policies.language.document import PolicyDocument
from policies.language.facts import (
    SCHEMAS,
    Facts,
    FactValueError,
    Value,
    check_value,
)
from policies.language.schema import unknown_fact
from policies.language.testing import given_facts
from policies.language.trial import is_for, judge_alone
from policies.publishing import group_problems
from portal.accounts.authentication import require_scope
from portal.accounts.models import ProjectToken
from portal.kernel.canonical import sha256_digest
from portal.kernel.errors import Conflict
from portal.kernel.validation import invalid

REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 422, 500, 503), ProblemAnswer)

router = Router()


def _reader(request: HttpRequest) -> ProjectToken:
    token: ProjectToken = request.auth  # type: ignore[attr-defined]
    require_scope(token, "read")
    return token


@router.post(
    "/check",
    response={200: CheckOut, **REFUSALS},
    summary="Check a policy document and run its tests",
    operation_id="check_policy",
)
def check_policy(request: HttpRequest, body: CheckIn) -> dict[str, Any]:
    """What saving and publishing it here would say. 200 also when something is wrong: see `ok`."""
    _reader(request)
    text = _lines(body.document)
    checked = check_alone(text)
    groups = group_problems(checked.document, text) if checked.document else []
    return {
        **checked.to_json(),
        "ok": checked.ok and not groups,
        "digest": sha256_digest(text.encode()),
        "groups": problems_json(groups),
    }


@router.post(
    "/explain",
    response={200: ExplainOut, **REFUSALS},
    summary="What a policy document says about a request, or about facts",
    operation_id="explain_policy",
)
def explain_policy(request: HttpRequest, body: ExplainIn) -> dict[str, Any]:
    """The document alone, as if it were in force; other policies may ask for more."""
    token = _reader(request)
    checked = check_alone(_lines(body.document))
    answer: dict[str, Any] = {
        "ok": False,
        "problems": problems_json(checked.problems),
        "matches": False,
        "verdict": None,
    }
    if checked.document is None:
        return answer
    facts = (
        given_facts(checked.document, _given(checked.document, body.facts))
        if body.facts is not None
        else with_sourceless(_facts_of(token, body.request), checked.document.reads)
    )
    if not is_for(checked.document, facts):
        return answer
    verdict = judge_alone(checked.document, facts).to_json()
    return {**answer, "ok": True, "matches": True, "verdict": present_verdict(verdict)}


@router.post(
    "/backtest",
    response={200: BacktestOut, **REFUSALS},
    summary="What a policy document would have said to the newest requests",
    operation_id="backtest_policy",
)
def backtest_policy(request: HttpRequest, body: BacktestIn) -> dict[str, Any]:
    """Of the token's project only, and nothing is stored: publishing asks for a backtest that a
    person read in the portal."""
    token, text = _reader(request), _lines(body.document)
    checked = check_alone(text)
    problems = problems_json(checked.problems)
    if checked.document is None:
        return {"ok": False, "problems": problems, **present_backtest(NOTHING)}
    found = replay_newest(token, checked.document, text, body.last)
    return {"ok": True, "problems": problems, **present_backtest(found)}


def _lines(document: str) -> str:
    """As it would be stored: a file of another system ends its lines otherwise."""
    return document.replace("\r\n", "\n")


def _facts_of(token: ProjectToken, wanted: str | int | None) -> Facts:
    """The facts of a request as they were read last. Raises NotFound, Forbidden, Conflict."""
    found = UUID(wanted) if isinstance(wanted, str) else request_numbered(token, wanted or 0)
    snapshot = readable_by(token, found).snapshot
    if snapshot is None:
        raise Conflict("Nothing is known of this request yet. Try again in a moment.")
    return snapshot.typed


def _given(document: PolicyDocument, facts: dict[str, Any]) -> Iterable[tuple[str, Value | None]]:
    """Facts as the evaluator takes them. Raises Invalid, naming the one that is wrong."""
    schema = SCHEMAS[document.facts]
    for name, value in facts.items():
        if name not in schema:
            raise invalid(f"facts.{name}", unknown_fact(name, schema))
        try:
            yield name, None if value is None else check_value(schema[name], value)
        except FactValueError as error:
            raise invalid(f"facts.{name}", error.sentence) from None
