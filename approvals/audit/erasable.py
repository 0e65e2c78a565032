"""What an erasure would take: found first, so that it can be shown before it is done."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q, TextField
from django.db.models.functions import Cast

from approvals.models import Decision, Request, Snapshot
from approvals.states import Status
from portal.accounts.models import User
from portal.kernel.errors import Conflict
from portal.ledger.archived import archived_months
from portal.ledger.models import Entry
from portal.ledger.months import bounds_of
from portal.ledger.tiles import fetch

_TOOK_BACK = ("request.withdrawn", "request.revoked")
_TAKEN_BACK = (Status.WITHDRAWN.value, Status.REVOKED.value)


@dataclass(frozen=True)
class Erasable:
    """Rows by their ids, each with the request it belongs to.

    `reasons`: with the name of who started the run. `snapshots`: their personal facts, everybody's.
    """

    person: User | None
    comments: dict[UUID, UUID]
    reasons: dict[UUID, UUID]
    endings: dict[UUID, UUID]
    snapshots: dict[UUID, UUID]

    @property
    def requests(self) -> list[UUID]:
        """Every request that it touches, in the order in which they are locked."""
        parts = (self.comments, self.reasons, self.endings, self.snapshots)
        return sorted({request for part in parts for request in part.values()})

    def within(self, request: UUID) -> "Erasable":
        """The part of it that belongs to one request."""
        comments, reasons, endings, snapshots = (
            {row: of for row, of in part.items() if of == request}
            for part in (self.comments, self.reasons, self.endings, self.snapshots)
        )
        return Erasable(None, comments, reasons, endings, snapshots)

    def counts(self) -> dict[str, int]:
        """How many of each kind: what the ledger says, never the texts."""
        return {
            "comments": len(self.comments),
            "reasons": len(self.reasons),
            "endings": len(self.endings),
            "snapshots": len(self.snapshots),
        }


def of_request(request: Request) -> Erasable:
    """Every text of one request, whoever gave it."""
    return _erasable(None, Q(request=request), Q(pk=request.pk), Q(pk=request.pk), Q(pk=None))


def of_person(person: User) -> Erasable:
    """Their comments, the reasons they gave, the requests they started, facts with their address.

    A run's starter is taken for the person who signs in with that name or has that address; facts
    also name people by accounts at forges. Raises Conflict while only an archive tells whose some
    reasons are.
    """
    names = [name for name in (person.username, person.email) if name]
    asked = Q(owner=person, account=None) | Q(run__actor__in=names)
    _require_online()
    took_back = Entry.objects.filter(actor_ref=str(person.actor_ref), type__in=_TOOK_BACK)
    ended = Q(pk__in=list(took_back.values_list("request", flat=True)))
    return _erasable(person, Q(person=person), asked, ended, _named(person))


def _named(person: User) -> Q:
    """Snapshots with their address, or an account at a forge that is or was linked to them."""
    found = Q(words__icontains=person.email) if person.email else Q(pk=None)
    for account in person.forge_accounts.all():
        text = f'"{account.provider}:{account.number}'
        found |= Q(words__contains=f'{text}"') | Q(words__contains=f"{text} ")
    return found


def _require_online() -> None:
    """Who took a request back stands in the ledger alone."""
    for month in archived_months(fetch):
        begin, end = bounds_of(month.month)
        ended = Request.objects.filter(
            ended_at__gte=begin, ended_at__lt=end, status__in=_TAKEN_BACK
        )
        if ended.exclude(ended_reason="").exists():
            raise Conflict(
                f"Who took requests back in {month.name} stands in its archive, {month.file}. "
                "Restore it first: manage.py restore_ledger.",
                code="archived",
            )


def _erasable(person: User | None, decided: Q, asked: Q, ended: Q, named: Q) -> Erasable:
    reasons = Request.objects.filter(asked, erased_at=None)
    endings = Request.objects.filter(ended).exclude(ended_reason="")
    snapshots = Snapshot.objects.exclude(salt=b"").annotate(words=Cast("facts", TextField()))
    return Erasable(
        person,
        dict(Decision.objects.filter(decided).exclude(comment="").values_list("pk", "request_id")),
        dict(reasons.values_list("pk", "pk")),
        dict(endings.values_list("pk", "pk")),
        dict(
            snapshots.filter(named | Q(request__in=Request.objects.filter(asked))).values_list(
                "pk", "request_id"
            )
        ),
    )
