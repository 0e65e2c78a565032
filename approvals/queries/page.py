"""The request page: everything needed to decide, on one screen."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals.models import Permit, Request
from approvals.permissions import why_not
from approvals.queries.decisions import DecisionLine, decision_lines, named_drift
from approvals.queries.facts import FactRow
from approvals.queries.history import HistoryLine, archived_part, history_of_request
from approvals.queries.load import load_request
from approvals.queries.news import News, news_of
from approvals.queries.panel import DecisionPanel, Requirement, decision_panel, requirements
from approvals.queries.queue import ledger_position
from approvals.queries.rows import run_label, title_of
from approvals.queries.said import PolicySaid, policy_said
from approvals.queries.standing import StateTag, state_tag
from approvals.queries.subject import Publication, publication, subject_lines
from approvals.queries.summary import summary, waiting_for
from approvals.queries.visible import sight_of
from approvals.queries.world import World, world_of
from approvals.votes import read_links
from portal.accounts.models import User


@dataclass(frozen=True)
class PolicyLink:
    """A policy version that looked at this request."""

    name: str
    version: int
    digest: str


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
    world: World
    drift: list[dict[str, Any]]
    moved: list[News]
    requirements: list[Requirement]
    decision: DecisionPanel
    said: PolicySaid | None
    decisions: list[DecisionLine]
    history: list[HistoryLine]
    archived: str
    permit: Permit | None
    may_withdraw: bool
    may_revoke: bool
    position: int

    @property
    def changed(self) -> list[FactRow]:
        """Rows whose fact differs from what the reader saw before."""
        return self.world.changed


def request_page(
    person: User, request_id: UUID, *, seen: str = "", session: str = ""
) -> RequestPage:
    """The page for this person. `seen`: digest of the snapshot the reader had before; `session`:
    that of the session it is read in.

    Raises NotFound, also for a request that is not this person's to see.
    """
    position = ledger_position()
    sight = sight_of(person)
    request = load_request(person, request_id, sight)
    read_links(request)
    people = ("person", "delegation__group", "delegation__delegator", "delegation__delegate")
    decisions = list(request.decisions.select_related(*people, "snapshot").order_by("decided_at"))
    body = request.verdict.body if request.verdict else {}
    world = world_of(request, decisions, sight, seen)
    current = [d for d in decisions if d.round == request.round]
    wanted = waiting_for(request, decisions)
    permit = Permit.objects.filter(request=request).first()
    return RequestPage(
        request=request,
        title=title_of(request),
        state=state_tag(
            request, permit, sum(w.given for w in wanted), sum(w.needed for w in wanted)
        ),
        sentence=summary(request, wanted, permit),
        subject=subject_lines(request),
        publication=publication(request),
        run_label="" if request.policy_version else run_label(request.run),
        run_url=str(request.run.get("url", "")),
        asked_by=request.asked_by,
        policies=[
            PolicyLink(ref["policy"], ref["version"], ref["digest"])
            for ref in body.get("policies", [])
        ],
        world=world,
        drift=named_drift(request.drift),
        moved=news_of(request.moved),
        requirements=requirements(request, wanted, world.changed),
        decision=decision_panel(person, request, current, wanted, world.unshown, session),
        said=policy_said(request),
        decisions=decision_lines(request, decisions, wanted, permit),
        history=history_of_request(request),
        archived=archived_part(request),
        permit=permit,
        may_withdraw=why_not(person, "withdraw", request) is None,
        may_revoke=why_not(person, "revoke", request) is None,
        position=position,
    )
