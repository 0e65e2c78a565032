"""One request as a row: what the queue and the list of requests show of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from django.utils.translation import gettext as _

from approvals.asked import obligations
from approvals.behalf import groups_behind
from approvals.models import Decision, Request
from approvals.permissions import may_decide
from approvals.queries.news import News, news_of
from approvals.queries.visible import Sight
from approvals.quorum import tally
from approvals.requesters import touched_by, touchers
from approvals.states import OPEN, Status
from approvals.votes import counting_approvals
from policies.models import Policy
from portal.accounts.models import User
from portal.directory.models import Environment
from portal.directory.queries import memberships_of
from portal.kernel.clock import now

SOON = timedelta(minutes=15)
COMING = timedelta(days=1)
_JOINED = ("account", "token", "policy_version__policy")


@dataclass(frozen=True)
class QueueRow:
    """Everything one row shows; no query is made from it. `changed` counts facts that became
    otherwise after the approval or while it waits; `news` is the latest of the second kind."""

    request: Request
    title: str
    may_decide: bool
    why_not: str
    own: bool
    changed: int
    news: News | None
    blocking: list[str]
    size: tuple[int, int] | None
    given: int
    needed: int
    groups: list[str]
    ends_at: datetime | None
    ends_soon: bool
    gathering: bool
    run_label: str
    asked_by: str
    decided_by: str
    votes: list[bool] = field(default_factory=list)
    freeze_until: datetime | None = None
    freeze_from: datetime | None = None


def title_of(request: Request) -> str:
    """“Deploy shop”: the action as a verb, then the project; or the policy version it is about."""
    version = request.policy_version
    if version is not None:
        words = {"publish": _("Publish policy %(policy)s v%(number)d")}
        text = words.get(request.action, _("Retire policy %(policy)s v%(number)d"))
        return text % {"policy": version.policy.name, "number": version.number}
    return f"{request.action.replace('-', ' ').replace('_', ' ').capitalize()} {request.project}"


def open_about(policy: Policy) -> Request | None:
    """The open request to publish or retire a version of this policy, if there is one."""
    open_ones = [status.value for status in OPEN]
    about = Request.objects.filter(policy_version__policy=policy, status__in=open_ones)
    return about.select_related("policy_version__policy").first()


def loaded(requests: QuerySet[Request], *, permits: bool = True) -> list[Request]:
    """The requests with everything their rows show (three more queries for all together).

    `permits` where redeemed ones may be among them; what waits has none.
    """
    joined = (*_JOINED, "permit") if permits else _JOINED
    places = Prefetch("environment", Environment.objects.select_related("project"))
    # Read by their ids in one go these cost a fraction of the blocks that joining them would.
    beside = requests.select_related(*joined).prefetch_related(places, "verdict", "snapshot")
    found = list(beside)
    for request in found:
        request.project = request.environment.project
    prefetch_related_objects([request for request in found if request.account is None], "owner")
    return found


def build_rows(person: User, requests: Sequence[Request], sight: Sight) -> list[QueueRow]:
    """Rows for requests from `loaded`; two more queries for all of them together."""
    decisions = _decisions_of(requests)
    voters = {str(d.person_id) for found in decisions.values() for d in found}
    membership = memberships_of(voters) if voters else {}
    return [_row(person, r, sight, decisions.get(r.id, []), membership) for r in requests]


def _decisions_of(requests: Sequence[Request]) -> dict[UUID, list[Decision]]:
    found: dict[UUID, list[Decision]] = {}
    for decision in Decision.on(*requests):
        found.setdefault(decision.request_id, []).append(decision)
    return found


def _row(
    person: User,
    request: Request,
    sight: Sight,
    decisions: list[Decision],
    membership: dict[str, frozenset[str]],
) -> QueueRow:
    current = [d for d in decisions if d.round == request.round]
    already = any(d.person_id == person.pk for d in current)
    asked = obligations(request)
    answer = may_decide(
        person, request, sight.own, lambda: sight.delegations, already=already, asked=asked
    )
    refusal = answer.refusal
    counting = counting_approvals(request, current)
    approvals = [str(d.person_id) for d in counting]
    found = tally(asked, approvals, groups_behind(counting, membership))
    given, needed = sum(t.given for t in found), sum(t.asked.count for t in found)
    waiting = request.status in {Status.PENDING, Status.SUBMITTED}
    ends_at = request.decide_by if waiting else request.use_by
    news = news_of(request.moved) if waiting else []
    return QueueRow(
        request=request,
        title=title_of(request),
        may_decide=refusal is None,
        why_not="" if refusal is None else refusal.sentence,
        own=touched_by(person, touchers(request)) is not None,
        changed=len({change["fact"] for change in request.drift} | {one.fact for one in news}),
        news=news[0] if news else None,
        blocking=list(request.verdict.body.get("blocking", [])) if request.verdict else [],
        size=_size(request),
        given=given,
        needed=needed,
        groups=sorted({group for t in found for group in t.waits_for}),
        ends_at=ends_at,
        ends_soon=waiting and ends_at is not None and ends_at - now() < SOON,
        gathering=request.status == Status.SUBMITTED,
        run_label=run_label(request.run),
        asked_by=request.asked_by,
        decided_by=str(current[-1].person) if current else "",
        votes=[n < given for n in range(min(needed, 6))],
        freeze_until=_moment(request, "ops.freeze_ends_s", 1) if waiting else None,
        freeze_from=_moment(request, "ops.next_freeze_s", 0) if waiting else None,
    )


def run_label(run: dict[str, Any]) -> str:
    """“deploy #8812”, with the attempt from the second on."""
    name = run.get("pipeline") or run.get("job") or "run"
    attempt = f" · attempt {run['attempt']}" if run.get("attempt", 1) > 1 else ""
    return f"{name} #{run['id']}{attempt}"


def _size(request: Request) -> tuple[int, int] | None:
    if request.snapshot is None:
        return None
    facts = request.snapshot.facts
    added = facts.get("git.insertions", {}).get("value")
    removed = facts.get("git.deletions", {}).get("value")
    return (added, removed) if added is not None and removed is not None else None


def _moment(request: Request, name: str, least: int) -> datetime | None:
    """When the freeze in force ends, or the next one begins if that is within a day."""
    fact = request.snapshot.facts.get(name, {}) if request.snapshot else {}
    seconds = fact.get("value")
    if seconds is None or seconds < least or (not least and seconds > COMING.total_seconds()):
        return None
    return datetime.fromisoformat(fact["observed_at"]) + timedelta(seconds=seconds)
