"""The read side of the directory. One query each, or one more to learn what is permitted."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet

from portal.access import Capability, holds, permitted_ids
from portal.directory.models import ApproverGroup, Delegation, Environment, Membership, Project
from portal.kernel.clock import now
from portal.kernel.errors import NotFound
from portal.kernel.joined import Joined


def known_groups(names: Iterable[str]) -> dict[str, int]:
    """How many active people each existing group has; unknown names are missing."""
    rows = ApproverGroup.objects.filter(name__in=list(names)).annotate(
        size=Count("memberships", filter=Q(memberships__person__is_active=True))
    )
    return dict(rows.order_by().values_list("name", "size"))


def groups_of(person: Any) -> list[str]:
    """Names of the approver groups that `person` belongs to; none while deactivated."""
    if not person.is_active:
        return []
    return list(
        Membership.objects.filter(person_id=person.pk)
        .order_by("group__name")
        .values_list("group__name", flat=True)
    )


_GROUPS = """
SELECT "group".id, "group".name, NULL::uuid
FROM portal_membership membership
JOIN portal_approvergroup "group" ON "group".id = membership.group_id
JOIN portal_user person ON person.id = membership.person_id
WHERE membership.person_id = %(person)s AND person.is_active
UNION ALL
SELECT "group".id, "group".name, delegation.id
FROM portal_delegation delegation
JOIN portal_approvergroup "group" ON "group".id = delegation.group_id
WHERE delegation.delegate_id = %(person)s AND delegation.ended_at IS NULL
AND now() BETWEEN delegation.starts_at AND delegation.ends_at
"""


def groups_for(person: Any) -> tuple[dict[UUID, str], list[Delegation]]:
    """Names of the approver groups that `person` belongs to, by id, and the delegations to them
    that are in force; none while deactivated. One query, and one more where there are any."""
    with connection.cursor() as cursor:
        cursor.execute(_GROUPS, {"person": person.pk})
        rows = cursor.fetchall()
    own = {group: name for group, name, delegation in rows if delegation is None}
    lent = any(delegation for _group, _name, delegation in rows)
    return own, delegations_to(person) if lent else []


def delegations_to(person: Any) -> list[Delegation]:
    """The delegations on which `person` may decide now, with their people, the first made first."""
    at = now()
    rows = Delegation.objects.filter(
        delegate_id=person.pk, ended_at=None, starts_at__lte=at, ends_at__gt=at
    )
    found = rows.select_related("group", "delegator", "delegate").order_by("created_at", "pk")
    return [delegation for delegation in found if delegation.stands]


def visible_projects(person: Any) -> QuerySet[Project]:
    """Projects that `person` may view, as a whole or one of their environments."""
    projects = permitted_ids(person, Capability.VIEW, Project)
    if projects is None:
        return Project.objects.all()
    environments = permitted_ids(person, Capability.VIEW, Environment) or []
    return Project.objects.filter(
        Q(pk__in=projects) | Q(pk__in=_projects_of(environments)),
    )


def _projects_of(environments: Iterable[UUID]) -> QuerySet[Environment, UUID]:
    found = Environment.objects.filter(pk__in=list(environments))
    return found.values_list("project_id", flat=True)


def visible_environments(person: Any, project: Project) -> QuerySet[Environment]:
    """Environments of `project` that `person` may view: all with the project, else by grant."""
    environments = Environment.objects.filter(project=project)
    if holds(person, Capability.VIEW, project):
        return environments
    return environments.filter(pk__in=permitted_ids(person, Capability.VIEW, Environment) or [])


def load_project(person: Any, project_id: UUID) -> Project:
    """The project, where `person` may see it. Raises NotFound otherwise."""
    project = visible_projects(person).filter(pk=project_id).first()
    if project is None:
        raise NotFound("There is no such project, or it is not yours to see.")
    return project


def load_environment(person: Any, project: Project, environment_id: UUID) -> Environment:
    """The environment, where `person` may see it. Raises NotFound otherwise."""
    environment = visible_environments(person, project).filter(pk=environment_id).first()
    if environment is None:
        raise NotFound("There is no such environment, or it is not yours to see.")
    environment.project = project
    return environment


def approver_groups() -> QuerySet[ApproverGroup]:
    """Every group with its number of active members.

    Everybody signed in may see who may decide: a screen that refuses must be able to say who can.
    """
    return ApproverGroup.objects.annotate(
        size=Count("memberships", filter=Q(memberships__person__is_active=True))
    )


def load_group(group_id: UUID) -> ApproverGroup:
    """The approver group. Raises NotFound."""
    group = approver_groups().filter(pk=group_id).first()
    if group is None:
        raise NotFound("There is no such approver group.")
    return group


def members_of(group: ApproverGroup) -> QuerySet[Membership]:
    """Its memberships with the people and their absences, by name."""
    return group.memberships.select_related("person__absence", "added_by").order_by("person__name")


def delegations_of(group: ApproverGroup) -> QuerySet[Delegation]:
    """Those that are in force or still to come, with their people."""
    rows = group.delegations.filter(ended_at=None, ends_at__gt=now(), membership__isnull=False)
    return rows.select_related("delegator", "delegate").order_by("starts_at", "pk")


def absent_members(names: Iterable[str]) -> dict[str, list[Any]]:
    """The members of each named group who are out of office today, with their `absence`."""
    members: dict[str, list[Any]] = {name: [] for name in names}
    rows = Membership.objects.filter(
        group__name__in=list(members), person__is_active=True, person__absence__isnull=False
    )
    for row in rows.select_related("group", "person__absence").order_by("person__name"):
        if row.person.absence.is_now:
            members[row.group.name].append(row.person)
    return members


def delegations_in(names: Iterable[str]) -> dict[str, list[Delegation]]:
    """The delegations of each named group that are in force, with their people."""
    at, found = now(), dict[str, list[Delegation]]()
    rows = Delegation.objects.filter(
        group__name__in=list(names), ended_at=None, starts_at__lte=at, ends_at__gt=at
    )
    for row in rows.select_related("group", "delegator", "delegate").order_by("created_at", "pk"):
        if row.stands:
            found.setdefault(row.group.name, []).append(row)
    return found


_MEMBERS = Joined(Membership, "group", "person")


def active_members(names: Iterable[str]) -> dict[str, list[Any]]:
    """The active people of each named group; an unknown or empty group has none."""
    members: dict[str, list[Any]] = {name: [] for name in names}
    for row in _MEMBERS.all('"group".name = ANY(%s) AND person.is_active', [list(members)]):
        members[row.group.name].append(row.person)
    return members


_MEMBERSHIPS = """
SELECT membership.person_id, "group".name
FROM portal_membership membership
JOIN portal_approvergroup "group" ON "group".id = membership.group_id
JOIN portal_user person ON person.id = membership.person_id
WHERE membership.person_id = ANY(%s::uuid[]) AND person.is_active
"""


def memberships_of(people: Iterable[str | UUID]) -> dict[str, frozenset[str]]:
    """Names of the groups each of `people` (ids) belongs to now; nobody who is deactivated."""
    wanted = [str(person) for person in people]
    if not wanted:
        return {}
    found: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_MEMBERSHIPS, [wanted])
        rows = cursor.fetchall()
    for person, name in rows:
        found.setdefault(str(person), set()).add(name)
    return {person: frozenset(names) for person, names in found.items()}
