"""Starting and cancelling a backtest."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from approvals.lifecycle.announce import wake
from approvals.models import Backtest, Request
from policies.language.document import Match, PolicyDocument
from policies.language.globs import match_glob
from policies.models import Policy, PolicyVersion
from policies.publishing import require_proposal
from policies.queries import BrokenPolicy, document_of
from portal.directory.models import Environment
from portal.kernel.clock import now
from portal.ledger.actors import Actor, person_actor
from portal.ledger.record import record


@dataclass(frozen=True)
class Wish:
    """Which requests: the last `most`, or those of the last `days`; 0 is no limit of that kind.

    `place` is the id of a project or environment, empty for wherever the policy reaches.
    """

    most: int = 0
    days: int = 0
    place: str = ""


@dataclass(frozen=True)
class _Range:
    first: UUID | None
    last: UUID | None
    since: datetime
    until: datetime
    total: int


def start_backtest(*, by: Any, version: PolicyVersion, wish: Wish) -> tuple[Backtest, bool]:
    """A backtest that workers take up; and whether it is new.

    While one of the same version is open, that one: pressing twice starts once. Raises Forbidden,
    BrokenPolicy.
    """
    require_proposal(by, version)
    document_of(version)
    try:
        with transaction.atomic():
            return _start(by, version, wish), True
    except IntegrityError:
        running = version.backtests.filter(state__in=Backtest.OPEN).first()
        if running is None:
            raise
        return running, False


def _start(by: Any, version: PolicyVersion, wish: Wish) -> Backtest:
    at = now()
    places = [place.pk for place in reached(version.policy) if _wanted(place, wish.place)]
    found = _range(Request.objects.filter(environment__in=places), wish, at)
    backtest = Backtest.objects.create(
        version=version,
        started_by=by,
        wish=asdict(wish),
        environments=places,
        first=found.first,
        last=found.last,
        since=found.since,
        until=found.until,
        total=found.total,
        next_try=at,
        created_at=at,
    )
    note("backtest.started", backtest, person_actor(by))
    wake("approvals.backtest", str(backtest.pk))
    return backtest


def _wanted(environment: Environment, place: str) -> bool:
    return place in {"", str(environment.pk), str(environment.project_id)}


def reached(policy: Policy) -> list[Environment]:
    """The environments that any version of the policy can reach, with their projects."""
    wanted = {document.match for document in _documents(policy)}
    environments = Environment.objects.select_related("project").order_by("project__slug", "name")
    return [one for one in environments if any(_reaches(match, one) for match in wanted)]


def _documents(policy: Policy) -> list[PolicyDocument]:
    found = []
    for version in policy.versions.all():
        version.policy = policy
        try:
            found.append(document_of(version))
        except BrokenPolicy:
            continue  # what nobody can read any more reaches nothing
    return found


def _reaches(match: Match, environment: Environment) -> bool:
    projects = any(match_glob(pattern, environment.project.slug) for pattern in match.projects)
    return projects and any(match_glob(pattern, environment.name) for pattern in match.environments)


def _range(requests: QuerySet[Request], wish: Wish, at: datetime) -> _Range:
    """Fixed now: what comes in later is no part of it."""
    since = at - timedelta(days=wish.days) if wish.days else None
    if since is not None:
        requests = requests.filter(pk__gte=_first_id_at(since))
    newest = requests.order_by("-pk").values_list("pk", "created_at")
    last = newest.first()
    if last is None:
        return _Range(None, None, since or at, at, 0)
    bound = newest[wish.most - 1 : wish.most].first() if wish.most else None
    first = bound or requests.order_by("pk").values_list("pk", "created_at")[0]
    total = requests.filter(pk__gte=first[0], pk__lte=last[0]).count()
    return _Range(first[0], last[0], since or first[1], at if since else last[1], total)


def _first_id_at(moment: datetime) -> UUID:
    """Below every UUIDv7 of that millisecond and later ones."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


@transaction.atomic
def cancel_backtest(*, by: Any, backtest: Backtest) -> Backtest:
    """Stop it where it is; one that is over stays as it is. Raises Forbidden."""
    require_proposal(by, backtest.version)
    Backtest.objects.select_for_update().values_list("pk").get(pk=backtest.pk)
    backtest = Backtest.objects.select_related("version__policy").get(pk=backtest.pk)
    if backtest.open:
        end(backtest, Backtest.State.CANCELLED, person_actor(by))
    return backtest


def end(backtest: Backtest, state: Backtest.State, actor: Actor, error: str = "") -> None:
    """Put it at its end and record that. The caller holds the row."""
    backtest.state, backtest.error = state, error[:500]
    backtest.finished_at, backtest.next_try = now(), None
    backtest.save(update_fields=["state", "error", "finished_at", "next_try"])
    note("backtest.finished", backtest, actor, outcome=str(state))


def note(event: str, backtest: Backtest, actor: Actor, outcome: str = "") -> None:
    """An entry about this backtest, which names the version."""
    version = backtest.version
    record(
        event,
        actor=actor,
        outcome=outcome,
        object={"kind": "backtest", "id": str(backtest.pk), "requests": backtest.total},
        policy={
            "id": str(version.policy_id),
            "name": version.policy.name,
            "version": version.number,
            "digest": version.digest,
        },
    )
