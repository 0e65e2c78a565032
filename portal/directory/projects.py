"""Adding, changing and archiving projects."""

from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.directory.models import Project
from portal.directory.own_place import PROJECT as OWN_PROJECT
from portal.directory.repository import branch_problem, repository_problem
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import changed_fields, check_row, insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

# The slug is missing on purpose: policies match on it, so a rename would be a way out of them.
CHANGEABLE = ("name", "description", "repository", "branch", "forge_id")
SOURCE = {"repository", "branch", "forge_id"}


def _check_source(project: Project) -> None:
    if problem := repository_problem(project.repository):
        raise invalid("repository", problem)
    if problem := branch_problem(project.branch):
        raise invalid("branch", problem)


def _record(event: str, by: Any, project: Project, **changed: Any) -> None:
    record(
        event,
        actor=person_actor(by),
        project=project.pk,
        object={"kind": "project", "id": str(project.pk), "slug": project.slug},
        change=change(**changed),
    )


@transaction.atomic
def create_project(
    *,
    by: Any,
    slug: str,
    name: str,
    description: str = "",
    repository: str = "",
    branch: str = "main",
    forge_id: int | None = None,
) -> Project:
    """Add a project. Administrators only. Raises Forbidden, Invalid, Conflict."""
    require(by, Capability.ADMINISTER)
    if slug == OWN_PROJECT:
        raise invalid("slug", "This name is kept for the portal's own changes; use another one.")
    project = Project(
        slug=slug,
        name=name,
        description=description,
        repository=repository,
        branch=branch,
        forge_id=forge_id,
    )
    _check_source(project)
    insert_row(project)
    _record("project.created", by, project, before={}, after=state_of(project, CHANGEABLE))
    return project


@transaction.atomic
def change_project(*, by: Any, project: Project, **wanted: Any) -> Project:
    """Change the named fields (see CHANGEABLE); maintainers may. Nothing moved: no entry.

    What git facts are read from, administrators only: it decides who wrote what, and on which
    branch it is.

    Raises Forbidden, Invalid, Conflict for an archived project.
    """
    require(by, Capability.MAINTAIN, project)
    project = Project.objects.select_for_update().get(pk=project.pk)
    if project.archived_at:
        raise Conflict(f"{project} is archived. Restore it first.", code="archived")
    unknown = set(wanted) - set(CHANGEABLE)
    if unknown:
        raise invalid(min(unknown), "This cannot be changed.")
    moved = changed_fields(project, wanted)
    if not moved:
        return project
    if SOURCE & set(moved):
        require(by, Capability.ADMINISTER)
    before = state_of(project, moved)
    for field, value in moved.items():
        setattr(project, field, value)
    _check_source(project)
    check_row(project, moved)
    project.save(update_fields=list(moved))
    _record("project.changed", by, project, before=before, after=state_of(project, moved))
    return project


def _set_archived(by: Any, project: Project, *, archived: bool) -> Project:
    require(by, Capability.ADMINISTER)
    project = Project.objects.select_for_update().get(pk=project.pk)
    if bool(project.archived_at) == archived:
        return project
    before = state_of(project, ["archived_at"])
    project.archived_at = now() if archived else None
    project.save(update_fields=["archived_at"])
    _record("project.changed", by, project, before=before, after=state_of(project, before))
    return project


@transaction.atomic
def archive_project(*, by: Any, project: Project) -> Project:
    """Stop a project: its tokens are refused from now on. Administrators only."""
    return _set_archived(by, project, archived=True)


@transaction.atomic
def restore_project(*, by: Any, project: Project) -> Project:
    """Undo `archive_project`. Administrators only."""
    return _set_archived(by, project, archived=False)
