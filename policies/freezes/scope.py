"""Where something in the calendar reaches, and who may change it there."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.translation import gettext as _

from policies.freezes.models import Scoped
from portal.access import Capability, holds, permitted_ids, require
from portal.directory.models import Environment, Project
from portal.kernel.errors import Conflict


@dataclass(frozen=True)
class Scope:
    """The whole organisation (nothing given), a project, or one environment of it."""

    project: Project | None = None
    environment: Environment | None = None

    @property
    def key(self) -> str:
        """What forms send."""
        if self.environment is not None:
            return f"environment:{self.environment.pk}"
        return f"project:{self.project.pk}" if self.project is not None else "organisation"

    def __str__(self) -> str:
        if self.project is None:
            return _("the whole organisation")
        if self.environment is None:
            return _("all of %(project)s") % {"project": self.project}
        return f"{self.project} · {self.environment}"


def scope_of(row: Scoped) -> Scope:
    """The scope of a stored row."""
    return Scope(row.project, row.environment)


def may_manage(by: Any, scope: Scope) -> bool:
    """Whether `by` may change what reaches this scope."""
    capability = Capability.MAINTAIN if scope.project else Capability.ADMINISTER
    return holds(by, capability, scope.project)


def require_manage(by: Any, scope: Scope) -> None:
    """Raise Forbidden unless `by` maintains the project, or administers the portal for the whole
    organisation; Conflict for a scope out of use."""
    require(by, Capability.MAINTAIN if scope.project else Capability.ADMINISTER, scope.project)
    archived = scope.project and scope.project.archived_at
    if archived or (scope.environment and scope.environment.archived_at):
        raise Conflict(f"{scope} is archived. Restore it first.", code="archived")


def manageable_scopes(by: Any) -> list[Scope]:
    """Every scope `by` may change, the organisation first; none that is archived."""
    scopes = [Scope()] if holds(by, Capability.ADMINISTER) else []
    projects = Project.objects.filter(archived_at=None).prefetch_related("environments")
    permitted = permitted_ids(by, Capability.MAINTAIN, Project)
    if permitted is not None:
        projects = projects.filter(pk__in=permitted)
    for project in projects.order_by("slug"):
        scopes.append(Scope(project))
        scopes += [
            Scope(project, environment)
            for environment in project.environments.all()
            if environment.archived_at is None
        ]
    return scopes


def visible_to(person: Any) -> Q:
    """A condition on rows with a scope: what `person` may see.

    Everybody signed in sees what reaches the whole organisation; the rest with the project or the
    environment.
    """
    projects = permitted_ids(person, Capability.VIEW, Project)
    if projects is None:
        return Q()
    environments: list[UUID] = permitted_ids(person, Capability.VIEW, Environment) or []
    below = Environment.objects.filter(pk__in=environments).values("project_id")
    return (
        Q(project__isnull=True)
        | Q(project__in=projects)
        | Q(environment__in=environments)
        | Q(environment__isnull=True, project__in=below)
    )
