"""Whose entries and requests an auditor reads: the whole portal's, or those of some projects."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.access import Capability, holders, permitted_ids
from portal.access.models import Organisation
from portal.accounts.models import User
from portal.directory.models import Environment, Project
from portal.kernel.errors import Forbidden, NotFound


@dataclass(frozen=True)
class AuditScope:
    """`projects` None means all of them, and what belongs to no project."""

    projects: list[UUID] | None

    def covers(self, projects: list[UUID] | None) -> bool:
        """Whether all of `projects` are its; None stands for everything."""
        return self.projects is None or (
            projects is not None and set(projects) <= set(self.projects)
        )

    def visible_projects(self) -> QuerySet[Project]:
        """Those it covers."""
        found = Project.objects.all()
        return found if self.projects is None else found.filter(pk__in=self.projects)

    def project(self, project_id: UUID) -> Project:
        """One of its projects. Raises NotFound, also for one that exists elsewhere."""
        found = self.visible_projects().filter(pk=project_id).first()
        if found is None:
            raise NotFound(_("There is no such project, or it is not yours to audit."))
        return found

    def environment(self, environment_id: UUID) -> Environment:
        """An environment of one of its projects. Raises NotFound."""
        mine = Environment.objects.filter(project__in=self.visible_projects())
        found = mine.select_related("project").filter(pk=environment_id).first()
        if found is None:
            raise NotFound(_("There is no such environment, or it is not yours to audit."))
        return found


def audit_scope(person: User) -> AuditScope:
    """What `person` audits. Raises Forbidden where that is nothing."""
    projects = permitted_ids(person, Capability.AUDIT, Project)
    if projects == []:
        raise Forbidden(
            _("You need the role of an auditor, here or in a project. An administrator grants it."),
            code="missing-permission",
        )
    return AuditScope(projects)


def auditors_of(projects: list[UUID] | None) -> QuerySet[User]:
    """Active people who audit all of `projects`, None standing for everything."""
    found = _auditing(Organisation.objects.get())
    each = [_auditing(project) for project in Project.objects.filter(pk__in=projects or [])]
    if each:
        found |= set.intersection(*each)
    return User.objects.filter(pk__in=found, is_active=True)


def _auditing(target: Project | Organisation) -> set[UUID]:
    rows = holders(target).filter(permission__codename=Capability.AUDIT.value)
    return set(rows.values_list("user_id", flat=True))
