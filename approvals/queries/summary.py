"""One sentence on where a request stands: for status lines, the API and the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from approvals.models import Decision, Permit, Request
from approvals.permissions import counting_approvals, obligations
from approvals.queries.facts import missing_facts
from approvals.quorum import tally
from approvals.states import PermitStatus, Status
from portal.directory.queries import memberships_of


@dataclass(frozen=True)
class Wanted:
    """One obligation and how far it is."""

    policy: str
    rule: str
    groups: tuple[str, ...]
    needed: int
    given: int


def waiting_for(request: Request, decisions: Iterable[Decision] | None = None) -> list[Wanted]:
    """Each obligation with its count; `decisions` in order, with their people, when at hand."""
    asked = obligations(request)
    if not asked:
        return []
    if decisions is None:
        decisions = request.decisions.select_related("person").order_by("decided_at")
    people = [str(decision.person_id) for decision in counting_approvals(request, decisions)]
    found = tally(asked, people, memberships_of(people) if people else {})
    return [
        Wanted(t.asked.policy, t.asked.rule, t.asked.groups, t.asked.count, t.given) for t in found
    ]


def summary(request: Request, wanted: Sequence[Wanted], permit: Permit | None = None) -> str:
    """Where it stands and what happens next, in one sentence."""
    if permit is not None:
        return str(_PERMIT[PermitStatus(permit.status)])
    if request.status == Status.PENDING:
        return _pending(request, wanted)
    if request.status == Status.DENIED:
        return _denied(request)
    return {
        Status.SUBMITTED: _("Gathering facts."),
        Status.APPROVED: _("Approved; waiting for the pipeline to go on."),
        Status.REDEEMED: _("The permit was issued."),
        Status.REJECTED: _("Rejected."),
        Status.EXPIRED: _("Expired: nobody decided, or nobody used it, in time."),
        Status.WITHDRAWN: _("Withdrawn."),
        Status.SUPERSEDED: _("Superseded by a newer request."),
        Status.REVOKED: _("The approval was taken back."),
    }[Status(request.status)]


_PERMIT = {
    PermitStatus.ISSUED: _lazy("The permit was issued; the action has not begun yet."),
    PermitStatus.RUNNING: _lazy("The action is running."),
    PermitStatus.SUCCEEDED: _lazy("The action succeeded."),
    PermitStatus.FAILED: _lazy("The action failed."),
    PermitStatus.LOST: _lazy("The run fell silent: nobody knows how the action ended."),
    PermitStatus.EXPIRED: _lazy("The permit was not used in time; the action did not run."),
    PermitStatus.REVOKED: _lazy("The permit was taken back."),
}


def _pending(request: Request, wanted: Sequence[Wanted]) -> str:
    open_ones = [w for w in wanted if w.given < w.needed]
    if not open_ones:
        facts = missing_facts(request)
        if not facts:
            return _("Waiting for the next look at the facts.")
        return _("Waiting for a fact: %(facts)s.") % {"facts": ", ".join(facts)}
    parts = [
        ngettext("%(n)d approval from %(groups)s", "%(n)d approvals from %(groups)s", missing)
        % {"n": missing, "groups": _(" or ").join(w.groups)}
        for w in open_ones
        if (missing := w.needed - w.given)
    ]
    return _("Waiting for %(what)s.") % {"what": _(" and ").join(parts)}


def _denied(request: Request) -> str:
    denials = request.verdict.body["denials"] if request.verdict else []
    if denials:
        return _("Denied: %(why)s") % {"why": " ".join(d["sentence"] for d in denials)}
    return _("Denied: nobody who may decide is left.")
