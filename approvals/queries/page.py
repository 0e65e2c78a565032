"""The request page: everything needed to decide, on one screen."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from approvals.models import Decision, Permit, Request, Snapshot
from approvals.permissions import (
    Refusal,
    counting_approvals,
    self_approval_allowed,
    why_not,
    why_not_approve,
    why_not_decide,
)
from approvals.queries.decisions import DecisionLine, decision_lines, named_drift
from approvals.queries.facts import (
    FactGroup,
    FactRow,
    duration_words,
    fact_rows,
    grouped,
    missing_facts,
)
from approvals.queries.history import HistoryLine, history_of_request
from approvals.queries.queue import ledger_position
from approvals.queries.rows import run_label, title_of
from approvals.queries.said import PolicySaid, finer_points, policy_said
from approvals.queries.summary import Wanted, summary, waiting_for
from approvals.queries.visible import load_request
from approvals.quorum import Asked
from approvals.states import WAITING, PermitStatus, Status
from policies.difference import Line, difference
from policies.models import PolicyVersion
from portal.accounts.models import User
from portal.directory.queries import groups_of, memberships_of
from portal.kernel.clock import now


@dataclass(frozen=True)
class StateTag:
    """Key and word of the state, as UX section 6 lists them."""

    key: str
    word: str


@dataclass(frozen=True)
class Requirement:
    """One thing the policy asks, done or open."""

    done: bool
    text: str
    detail: str


@dataclass(frozen=True)
class DecisionPanel:
    """What the decision form needs; `why_not` is the reason when it may not be used.

    `why_not_approve`: why only rejecting is possible now.
    """

    may_decide: bool
    why_not: str
    why_not_approve: str
    snapshot_digest: str
    approve_text: str
    ends_at: datetime | None
    time_left_fraction: float
    must_tick: list[str]


@dataclass(frozen=True)
class PolicyLink:
    """A policy version that looked at this request."""

    name: str
    version: int
    digest: str


@dataclass(frozen=True)
class Publication:
    """The policy version a request is about; `number` was in force then, 0 when none was."""

    version: PolicyVersion
    number: int
    lines: list[Line]


@dataclass(frozen=True)
class RequestPage:
    """See the field names; no query is made from it."""

    request: Request
    title: str
    state: StateTag
    sentence: str
    subject: list[tuple[str, str, bool]]
    publication: Publication | None
    run_label: str
    run_url: str
    asked_by: str
    policies: list[PolicyLink]
    fact_groups: list[FactGroup]
    changed: list[FactRow]
    drift: list[dict[str, Any]]
    requirements: list[Requirement]
    decision: DecisionPanel
    said: PolicySaid | None
    decisions: list[DecisionLine]
    history: list[HistoryLine]
    permit: Permit | None
    may_withdraw: bool
    may_revoke: bool
    position: int


def request_page(person: User, request_id: UUID, *, seen: str = "") -> RequestPage:
    """The page for this person. `seen`: digest of the snapshot the reader had before.

    Raises NotFound, also for a request that is not this person's to see.
    """
    position = ledger_position()
    request = load_request(person, request_id)
    decisions = list(request.decisions.select_related("person", "snapshot").order_by("decided_at"))
    body = request.verdict.body if request.verdict else {}
    baseline = _baseline(request, decisions, seen)
    rows = _rows(request, baseline, body)
    changed = [row for row in rows if row.changed]
    current = [d for d in decisions if d.round == request.round]
    wanted = waiting_for(request, decisions)
    permit = Permit.objects.filter(request=request).first()
    return RequestPage(
        request=request,
        title=title_of(request),
        state=state_tag(request, permit, sum(w.given for w in wanted), _needed(wanted)),
        sentence=summary(request, wanted, permit),
        subject=_subject(request),
        publication=_publication(request),
        run_label="" if request.policy_version else run_label(request.run),
        run_url=str(request.run.get("url", "")),
        asked_by=request.asked_by,
        policies=[
            PolicyLink(ref["policy"], ref["version"], ref["digest"])
            for ref in body.get("policies", [])
        ],
        fact_groups=grouped(rows),
        changed=changed,
        drift=named_drift(request.drift),
        requirements=_requirements(request, wanted, changed),
        decision=_panel(person, request, current, changed, wanted),
        said=policy_said(request),
        decisions=decision_lines(request, decisions, wanted, permit),
        history=history_of_request(request),
        permit=permit,
        may_withdraw=why_not(person, "withdraw", request) is None,
        may_revoke=why_not(person, "revoke", request) is None,
        position=position,
    )


def _baseline(request: Request, decisions: list[Decision], seen: str) -> Snapshot | None:
    """What to compare with: what the reader saw before, else what was last approved on.

    In a later round that is what the void approval was given on, until somebody decides anew.
    """
    # Who saw the facts as they are gets the marks a newcomer gets: rereading must not wipe them.
    if seen and request.snapshot is not None and seen != request.snapshot.digest:
        found = Snapshot.objects.filter(request=request, digest=seen).first()
        if found is not None:
            return found
    current = [d.snapshot for d in decisions if d.round == request.round]
    return current[0] if current else (decisions[-1].snapshot if decisions else None)


def _rows(request: Request, baseline: Snapshot | None, body: dict[str, Any]) -> list[FactRow]:
    if request.snapshot is None:
        return []
    denying = {d["rule"] for d in body.get("denials", [])}
    failing = {
        fact["name"]
        for rule in body.get("explanation", [])
        if rule["rule"] in denying
        for fact in rule["facts"]
    }
    return fact_rows(
        request.snapshot,
        baseline,
        held=body.get("hold", []),
        used=body.get("reads", []),
        failing=failing,
    )


def _needed(wanted: list[Wanted]) -> int:
    return sum(w.needed for w in wanted)


def state_tag(request: Request, permit: Permit | None, given: int, needed: int) -> StateTag:
    """The tag of UX section 6."""
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


def _subject(request: Request) -> list[tuple[str, str, bool]]:
    names = {"commit": _("Commit"), "ref": _("Ref"), "artifact": _("Artifact"), "plan": _("Plan")}
    names["document"] = _("Document")
    return [
        (names[name], request.subject[name], name != "ref")
        for name in names
        if request.subject.get(name)
    ]


def _publication(request: Request) -> Publication | None:
    """What publishing changes, line by line, against what was in force when the facts were read;
    all of it goes when a policy is retired."""
    version = request.policy_version
    if version is None:
        return None
    facts = request.snapshot.facts if request.snapshot else {}
    number = facts.get("policy.in_force", {}).get("value", 0)
    before = version.policy.versions.filter(number=number).first()
    after = version.text if request.action == "publish" else ""
    return Publication(version, number, difference(before.text if before else "", after))


def _requirements(
    request: Request, wanted: list[Wanted], changed: list[FactRow]
) -> list[Requirement]:
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
    waits = missing_facts(request) if request.status in WAITING else []
    found += [Requirement(False, _("%(fact)s must be known") % {"fact": n}, "") for n in waits]
    if changed:
        n = len(changed)
        text = ngettext("Look at the changed fact", "Look at the %(n)d changed facts", n) % {"n": n}
        found.append(Requirement(False, text, ""))
    return found


def _barred(request: Request) -> str:
    if request.account is None:
        return _("Who wrote the version and who asked to publish it may not")
    text = _("Owner of %(account)s, who started the run, authors and committers may not")
    return text % {"account": request.account.name}


def _panel(
    person: User,
    request: Request,
    current: list[Decision],
    changed: list[FactRow],
    wanted: list[Wanted],
) -> DecisionPanel:
    already = any(d.person_id == person.pk for d in current)
    mine = groups_of(person)
    asked = [w.asked for w in wanted]
    refusal = why_not_decide(person, request, mine, already=already, asked=asked)
    closed = None if refusal else _why_not_approve(person, request, current, mine, asked)
    ends_at = request.decide_by if request.status == Status.PENDING else request.use_by
    return DecisionPanel(
        may_decide=refusal is None,
        why_not="" if refusal is None else refusal.sentence,
        why_not_approve="" if closed is None else closed.sentence,
        snapshot_digest=request.snapshot.digest if request.snapshot else "",
        approve_text=_approve_text(request),
        ends_at=ends_at,
        time_left_fraction=_fraction(request, ends_at),
        must_tick=[row.name for row in changed],
    )


def _why_not_approve(
    person: User, request: Request, current: list[Decision], mine: Iterable[str], asked: list[Asked]
) -> Refusal | None:
    given = [str(d.person_id) for d in counting_approvals(request, current)]
    return why_not_approve(person, mine, asked, given, memberships_of(given) if given else {})


def _approve_text(request: Request) -> str:
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
