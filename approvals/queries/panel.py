"""The decision panel of the request page, and what policy asks beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.asked import self_approval_allowed, step_up_age
from approvals.behalf import Answer
from approvals.models import Decision, Request, StepUp
from approvals.permissions import Refusal, may_approve, may_decide, why_not_unconfirmed
from approvals.queries.facts import FactRow, missing_facts
from approvals.queries.said import finer_points
from approvals.queries.step_up import fresh_step_up
from approvals.queries.summary import Wanted
from approvals.queries.unshown import Unshown
from approvals.quorum import Asked
from approvals.requesters import unknown_authors
from approvals.states import WAITING, Status
from portal.accounts.models import User
from portal.directory.models import Delegation
from portal.directory.queries import absent_members, delegations_in, delegations_to, groups_of
from portal.kernel.clock import now
from portal.templatetags.times import duration_words


@dataclass(frozen=True)
class Requirement:
    """One thing the policy asks, done or open."""

    done: bool
    text: str
    detail: str


@dataclass(frozen=True)
class DecisionPanel:
    """What the decision form needs; `why_not` is the reason when it may not be used.

    `why_not_approve`: why only rejecting is possible now. `unconfirmed`: why the person has to show
    a second factor first; `confirmed_until`: how long the one that was shown serves. `behalf`: on
    which delegation.
    """

    may_decide: bool
    why_not: str
    why_not_approve: str
    unconfirmed: str
    confirmed_until: datetime | None
    snapshot_digest: str
    approve_text: str
    behalf: Delegation | None
    ends_at: datetime | None
    time_left_fraction: float
    to_open: list[Unshown]


def requirements(
    request: Request, wanted: Sequence[Wanted], changed: Sequence[FactRow]
) -> list[Requirement]:
    """What policy asks of the people, done and open, and who of them is away or represented."""
    away = _away(wanted) if request.status in WAITING else {}
    found = [
        Requirement(
            done=w.given >= w.needed,
            text=ngettext("%(n)d approval by %(who)s", "%(n)d approvals by %(who)s", w.needed)
            % {"n": w.needed, "who": _(" or ").join(w.groups)},
            detail=" · ".join(
                [
                    *finer_points(w.asked),
                    _("%(given)d given · rule %(rule)s of %(policy)s")
                    % {"given": w.given, "rule": w.rule, "policy": w.policy},
                    *dict.fromkeys(said for name in w.groups for said in away.get(name, [])),
                ]
            ),
        )
        for w in wanted
    ]
    if wanted and not self_approval_allowed(w.asked for w in wanted):
        found.append(
            Requirement(
                True,
                _("Whoever decides did not touch the change"),
                _barred(request),
            )
        )
    found += _extra(request, done=all(one.done for one in found[: len(wanted)]))
    waits = missing_facts(request) if request.status in WAITING else []
    found += [Requirement(False, _("%(fact)s must be known") % {"fact": n}, "") for n in waits]
    if changed:
        n = len(changed)
        text = ngettext("Look at the changed fact", "Look at the %(n)d changed facts", n) % {"n": n}
        found.append(Requirement(False, text, ""))
    return found


def _away(wanted: Sequence[Wanted]) -> dict[str, list[str]]:
    """What is to be known of each group: who is out of office, and who decides for whom."""
    names = sorted({name for w in wanted if w.given < w.needed for name in w.groups})
    if not names:
        return {}
    found = {
        name: [
            _("%(who)s is out of office until %(day)s")
            % {"who": person, "day": date_format(person.absence.last_day, "j M Y")}
            for person in people
        ]
        for name, people in absent_members(names).items()
    }
    for name, delegations in delegations_in(names).items():
        found[name] += [
            _("%(delegate)s may decide on behalf of %(member)s")
            % {"delegate": one.delegate, "member": one.delegator}
            for one in delegations
        ]
    return found


def _extra(request: Request, *, done: bool) -> list[Requirement]:
    """Why one approval more is asked than the rules say, and because of whom."""
    extra = request.verdict.body.get("extra") if request.verdict else None
    if extra is None or request.snapshot is None:
        return []
    return [
        Requirement(done, extra["sentence"], ", ".join(unknown_authors(request.snapshot.typed)))
    ]


def _barred(request: Request) -> str:
    if request.account is None:
        return _("Who wrote the version and who asked to publish it may not")
    text = _(
        "Owner of %(account)s, who started the run, authors, committers and who opened the pull "
        "request may not"
    )
    return text % {"account": request.account.name}


def decision_panel(
    person: User,
    request: Request,
    current: list[Decision],
    wanted: list[Wanted],
    to_open: list[Unshown],
    session: str,
) -> DecisionPanel:
    """What this person may do about it now; `current` are the decisions of this round, `to_open`
    what approving waits for to be opened, `session` is a digest of the one it is read in."""
    decide, approve = _answers(person, request, current, [w.asked for w in wanted])
    refusal, closed = decide.refusal, None if decide.refusal else approve.refusal
    step_up = None if refusal else fresh_step_up(person, request, session)
    unconfirmed = None if refusal else why_not_unconfirmed(person, request, step_up)
    ends_at = request.decide_by if request.status == Status.PENDING else request.use_by
    return DecisionPanel(
        may_decide=refusal is None,
        why_not="" if refusal is None else refusal.sentence,
        why_not_approve="" if closed is None else closed.sentence,
        unconfirmed="" if unconfirmed is None else unconfirmed.sentence,
        confirmed_until=_until(request, step_up),
        snapshot_digest=request.snapshot.digest if request.snapshot else "",
        approve_text=approve_text(request),
        behalf=decide.delegation,
        ends_at=ends_at,
        time_left_fraction=_fraction(request, ends_at),
        to_open=to_open,
    )


def _answers(
    person: User, request: Request, current: list[Decision], asked: list[Asked]
) -> tuple[Answer[Refusal], Answer[Refusal]]:
    """Whether the person may decide at all, and whether they may approve; see `decides_as`."""
    mine, delegations = groups_of(person), cache(partial(delegations_to, person))
    approve = may_approve(person, request, mine, delegations, current, asked=asked)
    if approve.refusal is None:
        return approve, approve
    already = any(d.person_id == person.pk for d in current)
    decide = may_decide(person, request, mine, delegations, already=already, asked=asked)
    return decide, approve


def _until(request: Request, step_up: StepUp | None) -> datetime | None:
    return step_up.at + timedelta(seconds=step_up_age(request)) if step_up else None


def approve_text(request: Request) -> str:
    """What an approval is for: exactly this, there, once, for so long."""
    digests = ("artifact", "plan", "commit", "document")
    named = next((request.subject[n] for n in digests if request.subject.get(n)), "")
    seconds = request.verdict.body["valid_for"] if request.verdict else 0
    return _("You approve exactly %(what)s on %(where)s, once, within %(time)s.") % {
        "what": named[:19] + ("…" if len(named) > 19 else ""),
        "where": request.environment.name,
        "time": duration_words(seconds),
    }


def _fraction(request: Request, ends_at: datetime | None) -> float:
    if ends_at is None:
        return 0.0
    begin = request.approved_at or request.created_at
    whole = (ends_at - begin).total_seconds()
    left = (ends_at - now()).total_seconds()
    return min(1.0, max(0.0, left / whole)) if whole > 0 else 0.0
