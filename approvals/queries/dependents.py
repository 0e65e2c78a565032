"""What depends on an approver group: policies that name it, and open requests that count on it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Value
from django.utils.translation import gettext as _

from approvals.models import AwaitedGroup, Decision, Request
from approvals.queries.queue import COUNT_TO, Count
from approvals.queries.rows import QueueRow, build_rows, loaded
from approvals.queries.visible import seen_with, sight_of
from approvals.quorum import Asked, impossible
from approvals.states import OPEN
from policies.governance import built_in
from policies.language.document import PolicyDocument, Requirement
from policies.language.explain import people
from policies.queries import PolicyRow, document_of, every_policy, seen_by
from portal.accounts.models import User
from portal.directory.models import ApproverGroup
from portal.directory.queries import active_members

MOST = 20


@dataclass(frozen=True)
class PolicyUse:
    """A policy that names the group. `asks`: what its rules ask, `unmet`: what the members cannot
    give, however they decide. `policy_id` is empty for the portal's own policy on policies."""

    policy_id: UUID | None
    name: str
    in_force: bool
    asks: list[str]
    unmet: list[str]


@dataclass(frozen=True)
class RequestUse:
    """An open request that asks the group; `voted`: the approval of who is to leave counts on."""

    row: QueueRow
    voted: bool


@dataclass(frozen=True)
class Dependents:
    """`unseen` policies, and of all `open` requests those beyond the list, are only counted."""

    policies: list[PolicyUse]
    unseen: int
    requests: list[RequestUse]
    open: Count

    @property
    def any(self) -> bool:
        return bool(self.policies or self.unseen or self.open.value)

    @property
    def unmet(self) -> list[str]:
        """What policies in force ask and the members cannot give."""
        return [sentence for use in self.policies for sentence in use.unmet]


def dependents_of(reader: User, group: ApproverGroup, leaving: User | None = None) -> Dependents:
    """What depends on the group, as far as `reader` may see it; the rest is counted.

    `leaving`: a member who is not counted any more, and whose approvals are marked.
    """
    naming = [row for row in every_policy() if group.name in row.groups]
    seen = seen_by(reader, naming)
    documents = [_document(row) for row in seen]
    members = _members(documents, leaving)
    uses = [
        _use(group.name, document, members, row.policy.pk, in_force=bool(row.policy.in_force))
        for row, document in zip(seen, documents, strict=True)
    ]
    if group.name in built_in().document.groups:
        own = built_in().document
        uses.append(_use(group.name, own, _members([own], leaving), None, in_force=True))
    requests, count = _requests(reader, group, leaving)
    return Dependents(uses, len(naming) - len(seen), requests, count)


def unmet_groups() -> frozenset[str]:
    """The groups of which a policy in force asks more people than there are."""
    documents = [
        built_in().document,
        *(
            document_of(row.policy.in_force)
            for row in every_policy()
            if row.policy.in_force is not None and not row.problem
        ),
    ]
    members = _members(documents, None)
    return frozenset(
        name
        for document in documents
        for rule, requirement in document.requirements
        if _is_unmet(_asked(document, rule, requirement), members)
        for name in requirement.groups
    )


def _document(row: PolicyRow) -> PolicyDocument:
    # A row that names groups could be read.
    return document_of(row.policy.in_force or row.newest)


def _members(
    documents: Iterable[PolicyDocument], leaving: User | None
) -> dict[str, frozenset[str]]:
    names = frozenset[str]().union(*(document.groups for document in documents))
    gone = {str(leaving.pk)} if leaving is not None else set()
    return {
        name: frozenset(str(person.pk) for person in found) - gone
        for name, found in active_members(names).items()
    }


def _use(
    group: str,
    document: PolicyDocument,
    members: Mapping[str, frozenset[str]],
    policy_id: UUID | None,
    *,
    in_force: bool,
) -> PolicyUse:
    asking = [(rule, one) for rule, one in document.requirements if group in one.groups]
    asks = [f"{rule}: {people(one)}" for rule, one in asking]
    unmet = [
        _("%(policy)s, rule %(rule)s: %(asked)s, and there are not enough active members.")
        % {"policy": document.policy, "rule": rule, "asked": people(one)}
        for rule, one in asking
        if in_force and _is_unmet(_asked(document, rule, one), members)
    ]
    return PolicyUse(policy_id, document.policy, in_force, asks, unmet)


def _asked(document: PolicyDocument, rule: str, one: Requirement) -> Asked:
    return Asked(
        document.policy, rule, one.count, one.groups, one.including, one.sequence,
        one.distinct_across, one.self_approval,
    )  # fmt: skip


def _is_unmet(asked: Asked, members: Mapping[str, frozenset[str]]) -> bool:
    return bool(impossible([asked], {name: members[name] for name in asked.groups}))


def _requests(
    reader: User, group: ApproverGroup, leaving: User | None
) -> tuple[list[RequestUse], Count]:
    open_ones = counting_on(group)
    sight = sight_of(reader)
    marked = open_ones.filter(seen_with(sight)).annotate(voted=_voted(leaving))
    found = loaded(marked.order_by("-voted", "-id")[:MOST])
    rows = build_rows(reader, found, sight)
    uses = [
        RequestUse(row, request.voted)  # type: ignore[attr-defined]
        for row, request in zip(rows, found, strict=True)
    ]
    return uses, Count(open_ones[: COUNT_TO + 1].count())


def counting_on(group: ApproverGroup) -> QuerySet[Request]:
    """The open requests whose verdict asks this group."""
    awaited = AwaitedGroup.objects.filter(group=group, request=OuterRef("pk"))
    return Request.objects.filter(
        Exists(awaited),
        status__in=[status.value for status in OPEN],
        verdict__body__obligations__contains=[{"groups": [group.name]}],
    )


def _voted(leaving: User | None) -> Exists | Value:
    if leaving is None:
        return Value(False)
    given = Decision.objects.filter(Q(person=leaving), request=OuterRef("pk"), outcome="approve")
    return Exists(given.filter(round=F("request__round")))
