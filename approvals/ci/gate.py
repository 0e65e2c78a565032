"""`POST /gate`: the whole contract for callers that have only curl.

Every repetition is a POST (307 keeps method and body), so nothing is changed by a GET. One call
takes a step: submit (or find), look, maybe redeem; the ASGI server parks an answer that says
"still waiting" until there is news, and takes one more step.
"""

from dataclasses import dataclass

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from approvals.ci.present import present_redeemed
from approvals.ci.problems import problem
from approvals.lifecycle.redeem import Claim, Drift, NotApproved, redeem_request
from approvals.lifecycle.submit import Submission, check_claims, submit_request
from approvals.models import Permit, Request
from approvals.queries import summary, waiting_for
from approvals.states import PermitStatus, Status
from portal.accounts.models import ProjectToken
from portal.kernel.clock import now, rfc3339
from portal.kernel.errors import Unavailable
from portal.kernel.text import on_one_line

ADDRESS = "/api/v1/gate"


@dataclass(frozen=True)
class Step:
    """Where the request stands after one look: with a permit, over, or still waiting."""

    request: Request
    permit: Permit | None
    text: bool

    @property
    def waiting(self) -> bool:
        return self.permit is None and self.request.status in {
            Status.SUBMITTED,
            Status.PENDING,
            Status.APPROVED,
        }


def wants_line(request: HttpRequest) -> bool:
    """Whether this is a call of the gate that wants one line of text in place of JSON."""
    return request.path_info == ADDRESS and "text/plain" in request.headers.get("Accept", "")


def gate_step(
    *, token: ProjectToken, submission: Submission, idempotency_key: str, text: bool
) -> Step:
    """Submit or find the request; redeem it when it is approved. Raises as these services do."""
    run = submission.run
    check_claims(submission.claims)  # before the key: what is no fact may have no digest
    key = idempotency_key or f"gate-{submission.body_digest()}"
    request, _ = submit_request(token=token, submission=submission, idempotency_key=key)
    permit = None
    if request.status in {Status.APPROVED, Status.REDEEMED}:
        claim = Claim(run["id"], run["attempt"], request.digest)
        try:
            permit = redeem_request(token=token, request_id=request.id, claim=claim)
        except (Drift, NotApproved, Unavailable):
            # It moved meanwhile, or a source is silent: how it stands now is the answer.
            request.refresh_from_db()
            permit = Permit.objects.filter(request=request).first()
    return Step(request, permit, text)


def answer(step: Step) -> HttpResponse:
    """200 go, 307 ask again, 403 no, 410 too late."""
    if step.permit is not None and not _usable(step.permit):
        return _used_up(step.permit, text=step.text)
    if step.permit is not None:
        if step.text:
            until = rfc3339(step.permit.expires_at)
            return _line(200, f"go permit {step.permit.id} until {until}")
        return HttpResponse(
            orjson.dumps(present_redeemed(step.permit)), content_type="application/json"
        )
    sentence = summary(step.request, waiting_for(step.request))
    if step.waiting:
        return HttpResponse(
            f"{on_one_line(sentence)}\n",
            status=307,
            content_type="text/plain; charset=utf-8",
            headers={
                "Location": settings.PUBLIC_URL + ADDRESS,
                "Countersign-Request": str(step.request.id),
                "Countersign-Page": settings.PUBLIC_URL + step.request.get_absolute_url(),
            },
        )
    status = 410 if step.request.status == Status.EXPIRED else 403
    if step.text:
        return _line(status, f"no {step.request.status}: {sentence}")
    code = "expired" if status == 410 else "not-approved"
    return problem(status, code, sentence, request_status=str(step.request.status))


def _usable(permit: Permit) -> bool:
    """Whether the action may begin now. A permit that was used says nothing about the next run."""
    return permit.status == PermitStatus.ISSUED and permit.expires_at > now()


def _used_up(permit: Permit, *, text: bool) -> HttpResponse:
    over = permit.status in {PermitStatus.ISSUED, PermitStatus.EXPIRED}
    status, word = (410, "expired") if over else (403, str(permit.status))
    sentence = f"The permit of this run is {word}: it is good for one start only. Ask in a new run."
    if text:
        return _line(status, f"no {word}: {sentence}")
    return problem(status, "expired" if over else "not-approved", sentence)


def _line(status: int, text: str) -> HttpResponse:
    return HttpResponse(
        f"{on_one_line(text)}\n", status=status, content_type="text/plain; charset=utf-8"
    )
