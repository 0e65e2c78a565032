"""The tag that says where a request stands, as section 6 of the design of screens lists them."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from approvals.models import Permit, Request
from approvals.states import PermitStatus, Status


@dataclass(frozen=True)
class StateTag:
    """Key and word of the state."""

    key: str
    word: str


def state_tag(request: Request, permit: Permit | None, given: int, needed: int) -> StateTag:
    """The tag of a request; `given` of `needed` approvals count so far."""
    status = Status(request.status)
    if status == Status.REDEEMED and permit is not None:
        return _permit_tag(PermitStatus(permit.status))
    if status == Status.PENDING:
        if request.verdict is not None and request.verdict.outcome == "blocked":
            return StateTag("blocked", _("Waiting for a fact"))
        if request.round > 1 and request.given == 0:
            return StateTag("drift", _("Facts changed · round %(n)d") % {"n": request.round})
        counts = {"given": given, "needed": needed}
        return StateTag("waiting", _("Waiting · %(given)d of %(needed)d") % counts)
    if status == Status.APPROVED and not needed:
        return StateTag("approved-by-policy", _("Approved by policy"))
    words = {
        Status.SUBMITTED: ("gathering", _("Gathering facts")),
        Status.APPROVED: ("approved", _("Approved")),
        Status.REDEEMED: ("running", _("Running")),
        Status.REJECTED: ("rejected", _("Rejected")),
        Status.DENIED: ("denied", _("Denied by policy")),
        Status.EXPIRED: ("expired", _("Expired")),
        Status.WITHDRAWN: ("withdrawn", _("Withdrawn")),
        Status.SUPERSEDED: ("superseded", _("Superseded")),
        Status.REVOKED: ("revoked", _("Revoked")),
    }
    return StateTag(*words[status])


def _permit_tag(status: PermitStatus) -> StateTag:
    words = {
        PermitStatus.ISSUED: ("approved", _("Permit issued")),
        PermitStatus.RUNNING: ("running", _("Running")),
        PermitStatus.SUCCEEDED: ("done", _("Done")),
        PermitStatus.FAILED: ("failed", _("Failed")),
        PermitStatus.LOST: ("failed", _("Lost: the run fell silent")),
        PermitStatus.EXPIRED: ("expired", _("Permit not used")),
        PermitStatus.REVOKED: ("revoked", _("Revoked")),
    }
    return StateTag(*words[status])
