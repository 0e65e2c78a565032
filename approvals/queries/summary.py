"""One sentence on where a request stands: for status lines, the API and the page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import shorten

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext

from approvals.asked import obligations
from approvals.behalf import groups_behind
from approvals.models import Decision, Permit, Request
from approvals.queries.facts import missing_facts
from approvals.quorum import Asked, tally
from approvals.states import PermitStatus, Status
from approvals.votes import counting_approvals
from portal.kernel.text import make_visible, on_one_line

MOST_REASON = 200


@dataclass(frozen=True)
class Wanted:
    """One obligation and how far it is.

    `people`: ids of those whose approvals count for it. `waits_for`: the groups whose members'
    approvals would count now. `asked` has its finer points.
    """

    asked: Asked
    people: tuple[str, ...]
    waits_for: tuple[str, ...]

    @property
    def given(self) -> int:
        return len(self.people)

    @property
    def policy(self) -> str:
        return self.asked.policy

    @property
    def rule(self) -> str:
        return self.asked.rule

    @property
    def groups(self) -> tuple[str, ...]:
        return self.asked.groups

    @property
    def needed(self) -> int:
        return self.asked.count


def waiting_for(request: Request, decisions: Iterable[Decision] | None = None) -> list[Wanted]:
    """Each obligation with its count; `decisions` in order, with their people, when at hand."""
    asked = obligations(request)
    if not asked:
        return []
    if decisions is None:
        decisions = Decision.on(request)
    given = counting_approvals(request, decisions)
    people = [str(decision.person_id) for decision in given]
    found = tally(asked, people, groups_behind(given))
    return [Wanted(t.asked, t.people, t.waits_for) for t in found]


def summary(request: Request, wanted: Sequence[Wanted], permit: Permit | None = None) -> str:
    """Where it stands and what happens next, in one sentence with nothing hidden in it."""
    return on_one_line(_summary(request, wanted, permit))


def _summary(request: Request, wanted: Sequence[Wanted], permit: Permit | None) -> str:
    if permit is not None:
        return str(_PERMIT[PermitStatus(permit.status)])
    if request.status == Status.PENDING:
        return _pending(request, wanted)
    if request.status == Status.DENIED:
        return _denied(request)
    if request.status in {Status.WITHDRAWN, Status.REVOKED}:
        return _taken_back(request)
    if request.status == Status.APPROVED:
        return _approved(request)
    return {
        Status.SUBMITTED: _("Gathering facts."),
        Status.REDEEMED: _("The permit was issued."),
        Status.REJECTED: _("Rejected."),
        Status.EXPIRED: _("Expired: nobody decided, or nobody used it, in time."),
        Status.SUPERSEDED: _("Superseded: a newer request is for the same target."),
    }[Status(request.status)]


_PERMIT = {
    PermitStatus.ISSUED: _lazy("The permit was issued; the action has not begun yet."),
    PermitStatus.RUNNING: _lazy("The action is running."),
    PermitStatus.SUCCEEDED: _lazy("The action succeeded."),
    PermitStatus.FAILED: _lazy("The action failed."),
    PermitStatus.LOST: _lazy("The run fell silent: nobody knows how the action ended."),
    PermitStatus.EXPIRED: _lazy(
        "The permit is over: nobody reported in time that the action began."
    ),
    PermitStatus.REVOKED: _lazy("The permit was taken back."),
}


def _pending(request: Request, wanted: Sequence[Wanted]) -> str:
    open_ones = [w for w in wanted if w.given < w.needed]
    facts = missing_facts(request)
    parts = [
        ngettext("%(n)d approval from %(groups)s", "%(n)d approvals from %(groups)s", missing)
        % {"n": missing, "groups": _whom(w)}
        for w in open_ones
        if (missing := w.needed - w.given)
    ]
    if facts:
        text = ngettext("a fact: %(facts)s", "facts: %(facts)s", len(facts))
        parts.append(text % {"facts": ", ".join(facts)})
    if not parts:
        return _("Waiting for the next look at the facts.")
    return _("Waiting for %(what)s.") % {"what": _(" and ").join(parts)}


def _whom(wanted: Wanted) -> str:
    """The groups that are still asked; with an order, who is next."""
    groups = _(" or ").join(wanted.groups if wanted.asked.sequence else wanted.waits_for)
    if not wanted.asked.sequence or set(wanted.waits_for) == set(wanted.groups):
        return groups
    return _("%(groups)s (next: %(who)s)") % {
        "groups": groups,
        "who": _(" or ").join(wanted.waits_for),
    }


def _approved(request: Request) -> str:
    if not request.redeem_failure:
        return _("Approved; waiting for the pipeline to go on.")
    why = shorten(make_visible(request.redeem_failure), MOST_REASON, placeholder="…")
    return _("Approved, but the last redeem failed: a source does not answer (%(why)s).") % {
        "why": why
    }


def _denied(request: Request) -> str:
    denials = request.verdict.body["denials"] if request.verdict else []
    why = " ".join(d["sentence"] for d in denials) or request.ended_reason
    return _("Denied: %(why)s") % {"why": why}


def _taken_back(request: Request) -> str:
    said = (
        _("Withdrawn") if request.status == Status.WITHDRAWN else _("The approval was taken back")
    )
    reason = shorten(make_visible(request.ended_reason), MOST_REASON, placeholder="…")
    return f"{said}: {reason}" if reason else f"{said}."
