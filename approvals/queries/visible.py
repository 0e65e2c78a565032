"""Which requests a person may see: by project, by environment, by group, or as who asked."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from approvals.models import AwaitedGroup, Request
from portal.access import Capability, places_of
from portal.accounts.models import User
from portal.directory.models import Delegation
from portal.directory.queries import groups_for


@dataclass(frozen=True)
class Sight:
    """What one person may see, read once for a page. `projects` None means all of them.

    `person` sees what they asked for themselves: that a policy be published or retired. `groups`
    are those for which they may decide: their `own`, by name, and those of their `delegations`. At
    `until` a role ends, and there is less to see.
    """

    person: UUID
    projects: list[UUID] | None
    environments: list[UUID]
    groups: dict[UUID, str]
    own: frozenset[str] = frozenset()
    delegations: tuple[Delegation, ...] = ()
    until: datetime | None = None


def sight_of(person: User) -> Sight:
    """Read the person's permissions and memberships now (two queries)."""
    places = places_of(person, Capability.VIEW)
    projects = None if places.everywhere else places.projects
    groups = groups_in_sight(person)
    return Sight(person.pk, projects, places.environments, *groups, places.until)


def groups_in_sight(
    person: User,
) -> tuple[dict[UUID, str], frozenset[str], tuple[Delegation, ...]]:
    """The last three parts of a sight (one query, and one more for a delegate)."""
    own, delegations = groups_for(person)
    lent = {delegation.group_id: delegation.group.name for delegation in delegations}
    return {**lent, **own}, frozenset(own.values()), tuple(delegations)


def seen_with(sight: Sight, of: str = "") -> Q:
    """The condition on requests for this sight; combine it with others in one query.

    `of` is the name of the field by which another row names its request.
    """
    if sight.projects is None:
        return Q()
    to = f"{of}__" if of else ""
    own = Q(**{f"{to}owner_id": sight.person, f"{to}policy_version__isnull": False})
    return own | seen_by_place(sight, of)


def seen_by_place(sight: Sight, of: str = "") -> Q:
    """The same without what the person asked for themselves, which no index of places has."""
    if sight.projects is None:
        return Q()
    to = f"{of}__" if of else ""
    condition = Q(**{f"{to}project_id__in": sight.projects})
    if sight.environments:
        condition |= Q(**{f"{to}environment_id__in": sight.environments})
    if sight.groups:
        key = OuterRef(f"{of}_id" if of else "pk")
        asked = AwaitedGroup.objects.filter(request=key, group__in=list(sight.groups))
        condition |= Q(Exists(asked))
    return condition


def visible(person: User, sight: Sight | None = None) -> QuerySet[Request]:
    """The requests this person may see; `sight` is theirs where it was read already."""
    if not person.is_active:
        return Request.objects.none()
    return Request.objects.filter(seen_with(sight or sight_of(person)))
