"""Adding, changing and archiving the environments of a project."""

from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.directory.models import Environment, Project
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.validation import changed_fields, check_row, insert_row
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

CHANGEABLE = ("tier", "description")


def _record(event: str, by: Any, environment: Environment, **changed: Any) -> None:
    record(
        event,
        actor=person_actor(by),
        project=environment.project_id,
        object={
            "kind": "environment",
            "id": str(environment.pk),
            "name": environment.name,
        },
        change=change(**changed),
    )


def _refuse_archived(project: Project) -> None:
    # Locked, so that nobody archives it between this look and the change.
    if Project.objects.select_for_update(no_key=True).get(pk=project.pk).archived_at:
        raise Conflict(f"{project} is archived. Restore it first.", code="archived")


def _lock(environment: Environment) -> Environment:
    return Environment.objects.select_for_update().get(pk=environment.pk)


@transaction.atomic
def create_environment(
    *, by: Any, project: Project, name: str, tier: str, description: str = ""
) -> Environment:
    """Add an environment; maintainers may. Raises Forbidden, Invalid, Conflict.

    Without a policy that matches it, everything asked there is denied.
    """
    require(by, Capability.MAINTAIN, project)
    _refuse_archived(project)
    environment = Environment(project=project, name=name, tier=tier, description=description)
    insert_row(environment)
    after = state_of(environment, CHANGEABLE)
    _record("environment.created", by, environment, before={}, after=after)
    return environment


@transaction.atomic
def change_environment(
    *,
    by: Any,
    environment: Environment,
    tier: str | None = None,
    description: str | None = None,
) -> Environment:
    """Change tier or description; None leaves as it is. Maintainers may describe.

    The tier needs an administrator: policies read it, and a lower one could loosen them.
    Raises Forbidden, Invalid, Conflict for an archived project.
    """
    require(by, Capability.MAINTAIN, environment.project)
    _refuse_archived(environment.project)
    environment = _lock(environment)
    wanted = {"tier": tier, "description": description}
    moved = changed_fields(environment, {k: v for k, v in wanted.items() if v is not None})
    if "tier" in moved:
        require(by, Capability.ADMINISTER)
    if not moved:
        return environment
    before = state_of(environment, moved)
    for field, value in moved.items():
        setattr(environment, field, value)
    check_row(environment, moved)
    environment.save(update_fields=list(moved))
    _record("environment.changed", by, environment, before=before,
            after=state_of(environment, moved))  # fmt: skip
    return environment


def _set_archived(by: Any, environment: Environment, *, archived: bool) -> Environment:
    require(by, Capability.MAINTAIN, environment.project)
    _refuse_archived(environment.project)
    environment = _lock(environment)
    if bool(environment.archived_at) == archived:
        return environment
    before = state_of(environment, ["archived_at"])
    environment.archived_at = now() if archived else None
    environment.save(update_fields=["archived_at"])
    after = state_of(environment, before)
    _record("environment.changed", by, environment, before=before, after=after)
    return environment


@transaction.atomic
def archive_environment(*, by: Any, environment: Environment) -> Environment:
    """Nothing new may be asked there. Maintainers may. Raises Forbidden, Conflict."""
    return _set_archived(by, environment, archived=True)


@transaction.atomic
def restore_environment(*, by: Any, environment: Environment) -> Environment:
    """Undo `archive_environment`. Maintainers may. Raises Forbidden, Conflict."""
    return _set_archived(by, environment, archived=False)
