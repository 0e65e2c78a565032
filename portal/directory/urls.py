"""Addresses of projects, environments, approver groups and roles."""

from django.urls import path

from portal.directory.views import delegations, environments, groups, projects, roles

_PROJECT = "projects/<uuid:project_id>"
_ENVIRONMENT = f"{_PROJECT}/environments/<uuid:environment_id>"
_GROUP = "groups/<uuid:group_id>"
_REVOKE = "<uuid:person_id>/<slug:role>/revoke"

urlpatterns = [
    path("projects/", projects.projects, name="projects"),
    path("projects/new", projects.project_new, name="project-new"),
    path(_PROJECT, projects.project, name="project"),
    path(f"{_PROJECT}/edit", projects.project_edit, name="project-edit"),
    path(f"{_PROJECT}/archive", projects.project_archive, name="project-archive"),
    path(f"{_PROJECT}/restore", projects.project_restore, name="project-restore"),
    path(f"{_PROJECT}/roles", roles.project_roles, name="project-roles"),
    path(f"{_PROJECT}/roles/{_REVOKE}", roles.project_role_revoke, name="project-role-revoke"),
    path(f"{_PROJECT}/environments/new", environments.environment_new, name="environment-new"),
    path(f"{_ENVIRONMENT}/edit", environments.environment_edit, name="environment-edit"),
    path(f"{_ENVIRONMENT}/archive", environments.environment_archive, name="environment-archive"),
    path(f"{_ENVIRONMENT}/restore", environments.environment_restore, name="environment-restore"),
    path(f"{_ENVIRONMENT}/roles", roles.environment_roles, name="environment-roles"),
    path(
        f"{_ENVIRONMENT}/roles/{_REVOKE}",
        roles.environment_role_revoke,
        name="environment-role-revoke",
    ),
    path("groups/", groups.groups, name="groups"),
    path("groups/new", groups.group_new, name="group-new"),
    path(_GROUP, groups.group, name="group"),
    path(f"{_GROUP}/edit", groups.group_edit, name="group-edit"),
    path(f"{_GROUP}/roles", roles.group_roles, name="group-roles"),
    path(f"{_GROUP}/roles/{_REVOKE}", roles.group_role_revoke, name="group-role-revoke"),
    path(f"{_GROUP}/members/<uuid:person_id>/remove", groups.member_remove, name="member-remove"),
    path(f"{_GROUP}/delegations/new", delegations.delegation_new, name="delegation-new"),
    path(
        f"{_GROUP}/delegations/<uuid:delegation_id>/end",
        delegations.delegation_end,
        name="delegation-end",
    ),
    path("people/roles", roles.portal_roles, name="portal-roles"),
    path(f"people/roles/{_REVOKE}", roles.portal_role_revoke, name="portal-role-revoke"),
]
