"""The contract with pipelines: thin; each call loads, calls a service, shows the result."""

import re
from typing import Annotated, Any
from uuid import UUID

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from ninja import Header, NinjaAPI, Query
from ninja.errors import HttpError, ValidationError

from approvals.ci import gate as gates
from approvals.ci.body import JsonParser, too_large
from approvals.ci.document import describe
from approvals.ci.identity import ProjectTokenAuth
from approvals.ci.policies import router as policies
from approvals.ci.present import (
    present_facts,
    present_permit,
    present_redeemed,
    present_request,
)
from approvals.ci.problems import problem, problem_of
from approvals.ci.schemas import (
    FactsOut,
    FinishIn,
    HeartbeatIn,
    PermitAnswer,
    Problem,
    RedeemIn,
    RedeemOut,
    RequestIn,
    RequestOut,
    RunTokenOut,
    WithdrawIn,
    WorkloadIn,
)
from approvals.ci.wait import MOST_WAIT
from approvals.lifecycle.finish import finish_permit, heartbeat
from approvals.lifecycle.redeem import Claim, redeem_request
from approvals.lifecycle.submit import Submission, submit_request
from approvals.lifecycle.withdraw import withdraw_for_run
from approvals.queries import readable_by
from approvals.states import PermitStatus
from policies.language.schema import CURRENT_SCHEMA
from portal.accounts.models import ProjectToken
from portal.accounts.trusts.exchange import exchange_token
from portal.kernel.clock import rfc3339
from portal.kernel.errors import Refused

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 410, 413, 415, 422, 500, 503), Problem)


class BadHeader(Refused):
    """A header is missing or malformed."""

    status = 400
    code = "bad-header"


class ContractAPI(NinjaAPI):
    """Adds what generated documents lack: examples, stable operation ids, the servers entry."""

    def get_openapi_schema(self, **options: Any) -> Any:
        return describe(super().get_openapi_schema(**options))


api = ContractAPI(
    title="Countersign",
    version="1",
    description="Just-in-time action approval: ask, wait, redeem, report.",
    urls_namespace="api",
    auth=ProjectTokenAuth(),
    parser=JsonParser(),
    servers=[{"url": settings.PUBLIC_URL}],
    docs_url="/docs",
    docs_decorator=require_safe,
    openapi_url="/openapi.json",
)
api.add_router("/policies", policies)


@api.exception_handler(ValidationError)
def _invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    errors = [{"field": _field(e["loc"]), "message": _message(e)} for e in error.errors]
    first = errors[0]
    return problem(422, "invalid", f"{first['field']}: {first['message']}", errors=errors)


@api.exception_handler(HttpError)
def _http(request: HttpRequest, error: HttpError) -> HttpResponse:
    if isinstance(error.__cause__, Refused):  # ninja wraps whatever the parser raises
        return problem_of(error.__cause__)
    code = {400: "malformed-json", 401: "unauthenticated"}.get(error.status_code, "invalid")
    return problem(error.status_code, code, str(error))


@api.exception_handler(RequestDataTooBig)
def _far_too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
    return problem_of(too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE))


@api.exception_handler(Http404)
def _missing(request: HttpRequest, error: Http404) -> HttpResponse:
    return problem(404, "not-found", "There is no such thing here.")


@api.exception_handler(Exception)
def _any_other(request: HttpRequest, error: Exception) -> HttpResponse:
    return problem_of(error)


def _field(location: tuple[Any, ...]) -> str:
    """`subject.commit` for ("body", "body", "subject", "commit")."""
    parts = [str(part) for part in location]
    return ".".join(parts[2:] if parts[:1] == ["body"] else parts[1:]) or "body"


def _message(error: dict[str, Any]) -> str:
    if error["type"] == "extra_forbidden":
        return "is not a field of this call; remove it"
    message = str(error["msg"]).removeprefix("Value error, ")
    return message[:1].lower() + message[1:]


def _token(request: HttpRequest) -> ProjectToken:
    return request.auth  # type: ignore[attr-defined,no-any-return]


def _json(body: object, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(
        orjson.dumps(body), status=status, content_type="application/json", headers=headers
    )


def to_submission(body: RequestIn) -> Submission:
    """The service's own form of a request body."""
    return Submission(
        project=body.project,
        environment=body.environment,
        action=body.action,
        subject=body.subject.model_dump(exclude_none=True),
        run={k: v for k, v in body.run.model_dump().items() if v != ""},
        reason=body.reason,
        labels=list(dict.fromkeys(body.labels)),
        claims=body.claims,
        plan=body.plan_json,
    )


@api.post(
    "/token",
    response={200: RunTokenOut, **REFUSALS},
    summary="Get a run token for a workload token",
    operation_id="token",
    auth=None,
)
def run_token(request: HttpRequest, body: WorkloadIn) -> HttpResponse:
    """For CI systems that sign who runs (OpenID Connect): no secret is stored anywhere. A workload
    token counts once; the run token is good for the calls of its run attempt alone."""
    token, secret = exchange_token(project=body.project, token=body.token)
    answer = _json(
        {
            "token": secret,
            "expires_at": rfc3339(token.expires_at),
            "run": {"id": token.run_id, "attempt": token.run_attempt},
        }
    )
    answer["Cache-Control"] = "no-store"
    return answer


@api.post(
    "/requests",
    response={201: RequestOut, 200: RequestOut, **REFUSALS},
    summary="Ask for an action",
    operation_id="submit",
)
def submit(
    request: HttpRequest,
    body: RequestIn,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key")] = "",
) -> HttpResponse:
    """Submit a request. Where policy can tell from the facts at hand, the verdict is in the
    answer; otherwise wait with `GET /requests/{id}?wait=55&after=VERSION`."""
    if not _KEY.fullmatch(idempotency_key):
        raise BadHeader("Send an Idempotency-Key header: 1 to 200 visible ASCII characters.")
    found, created = submit_request(
        token=_token(request), submission=to_submission(body), idempotency_key=idempotency_key
    )
    return _json(
        present_request(found, new=created),
        201 if created else 200,
        {"Location": f"{settings.PUBLIC_URL}/api/v1/requests/{found.id}"},
    )


@api.get(
    "/requests/{uuid:request_id}",
    response={200: RequestOut, **REFUSALS},
    summary="Read a request, or wait for news of it",
    operation_id="read",
)
def read(
    request: HttpRequest,
    request_id: UUID,
    wait: Annotated[int, Query(ge=0, le=MOST_WAIT)] = 0,
    after: Annotated[int, Query(ge=0)] = 0,
) -> HttpResponse:
    """With `wait` (seconds, at most 60) the call blocks until the version is newer than `after`."""
    found = readable_by(_token(request), request_id)
    response = _json(present_request(found))
    response["Countersign-Version"] = str(found.version)
    return response


@api.get(
    "/requests/{uuid:request_id}/stream",
    response={200: None, **REFUSALS},
    summary="News of a request as server-sent events (ids only)",
    operation_id="stream",
)
def stream(request: HttpRequest, request_id: UUID) -> HttpResponse:
    """Each event carries the id and version; read the request again for its content."""
    readable_by(_token(request), request_id)
    return problem(503, "unavailable", "Streams are served by the portal's ASGI server only.")


@api.post(
    "/requests/{uuid:request_id}/redeem",
    response={200: RedeemOut, **REFUSALS},
    summary="Redeem an approval, right before execution",
    operation_id="redeem",
)
def redeem(request: HttpRequest, request_id: UUID, body: RedeemIn) -> HttpResponse:
    """Looks at the world again. 200: the permit, once. 409 `drift`: the world moved; the request
    is back in the queue, keep waiting. The same run attempt again gets the same permit; which of
    its processes may act, the first heartbeat tells."""
    claim = Claim(body.run.id, body.run.attempt, body.digest)
    permit = redeem_request(token=_token(request), request_id=request_id, claim=claim)
    return _json(present_redeemed(permit))


@api.post(
    "/requests/{uuid:request_id}/withdraw",
    response={200: RequestOut, **REFUSALS},
    summary="Withdraw: the run was cancelled",
    operation_id="withdraw",
)
def withdraw(request: HttpRequest, request_id: UUID, body: WithdrawIn) -> HttpResponse:
    """The same again is the same answer."""
    found = withdraw_for_run(
        token=_token(request),
        request_id=request_id,
        run_id=body.run.id,
        run_attempt=body.run.attempt,
        reason=body.reason,
    )
    return _json(present_request(found))


@api.post(
    "/permits/{uuid:permit_id}/heartbeat",
    response={200: PermitAnswer, **REFUSALS},
    summary="The action is alive",
    operation_id="heartbeat",
)
def beat(request: HttpRequest, permit_id: UUID, body: HeartbeatIn) -> HttpResponse:
    """The first one says that the action begins; then one every `heartbeat_seconds`. Redeem gives
    the same permit to every process of a run attempt: act only after the first heartbeat, sent with
    a `starter` of your own, was answered with 200. 409 `already-running`: another process acts."""
    permit = heartbeat(
        token=_token(request),
        permit_id=permit_id,
        run_id=body.run.id,
        run_attempt=body.run.attempt,
        starter=body.starter,
    )
    return _json({"permit": present_permit(permit)})


@api.post(
    "/permits/{uuid:permit_id}/finish",
    response={200: PermitAnswer, **REFUSALS},
    summary="The action ended",
    operation_id="finish",
)
def finish(request: HttpRequest, permit_id: UUID, body: FinishIn) -> HttpResponse:
    """Report `succeeded` or `failed`. The same again is the same answer."""
    permit = finish_permit(
        token=_token(request),
        permit_id=permit_id,
        run_id=body.run.id,
        run_attempt=body.run.attempt,
        outcome=PermitStatus(body.outcome),
        exit_code=body.exit_code,
        starter=body.starter,
    )
    return _json({"permit": present_permit(permit)})


@api.get(
    "/policies/facts",
    response={200: FactsOut, **REFUSALS},
    summary="The fact schema, to check policy documents with",
    operation_id="facts",
)
def facts(request: HttpRequest) -> HttpResponse:
    """Every fact that a policy may name. Any token may read it; it changes with releases only."""
    return _json(present_facts(CURRENT_SCHEMA))


@api.post(
    "/gate",
    response={200: RedeemOut, 307: None, **REFUSALS},
    summary="Submit, wait and redeem in one call, for callers that have only curl",
    operation_id="gate",
)
def gate(
    request: HttpRequest,
    body: RequestIn,
    idempotency_key: Annotated[str, Header(alias="Idempotency-Key")] = "",
) -> HttpResponse:
    """Use `curl --location`: while nobody decided the answer is 307 back to this address, and the
    body is posted again. 200 = go, 403 = no, 410 = too late. `Accept: text/plain` for one line.
    The same body of two processes is one run attempt: both may hear go, until one reports that it
    begins. Where that can happen, send the first heartbeat with a `starter` before you act."""
    if idempotency_key and not _KEY.fullmatch(idempotency_key):
        raise BadHeader("An Idempotency-Key is 1 to 200 visible ASCII characters.")
    step = gates.gate_step(
        token=_token(request),
        submission=to_submission(body),
        idempotency_key=idempotency_key,
        text=gates.wants_line(request),
    )
    return gates.answer(step)
