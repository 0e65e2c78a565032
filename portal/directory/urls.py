"""Addresses of projects, environments, approver groups and roles."""

from django.urls import path

from portal.directory.views import delegations, environments, groups, projects, reviews

_PROJECT = "projects/<uuid:project_id>"
_ENVIRONMENT = f"{_PROJECT}/environments/<uuid:environment_id>"
_GROUP = "groups/<uuid:group_id>"
_REVIEW = "reviews/<uuid:review_id>"

urlpatterns = [
    path("projects/", projects.projects, name="projects"),
    path("projects/new", projects.project_new, name="project-new"),
    path(_PROJECT, projects.project, name="project"),
    path(f"{_PROJECT}/edit", projects.project_edit, name="project-edit"),
    path(f"{_PROJECT}/archive", projects.project_archive, name="project-archive"),
    path(f"{_PROJECT}/restore", projects.project_restore, name="project-restore"),
    path(f"{_PROJECT}/environments/new", environments.environment_new, name="environment-new"),
    path(f"{_ENVIRONMENT}/edit", environments.environment_edit, name="environment-edit"),
    path(f"{_ENVIRONMENT}/archive", environments.environment_archive, name="environment-archive"),
    path(f"{_ENVIRONMENT}/restore", environments.environment_restore, name="environment-restore"),
    path("groups/", groups.groups, name="groups"),
    path("groups/new", groups.group_new, name="group-new"),
    path(_GROUP, groups.group, name="group"),
    path(f"{_GROUP}/edit", groups.group_edit, name="group-edit"),
    path(f"{_GROUP}/members/<uuid:person_id>/remove", groups.member_remove, name="member-remove"),
    path(f"{_GROUP}/delegations/new", delegations.delegation_new, name="delegation-new"),
    path(
        f"{_GROUP}/delegations/<uuid:delegation_id>/end",
        delegations.delegation_end,
        name="delegation-end",
    ),
    path("reviews/", reviews.access_reviews, name="access-reviews"),
    path("reviews/new", reviews.access_review_new, name="access-review-new"),
    path(_REVIEW, reviews.access_review, name="access-review"),
    path(f"{_REVIEW}/finish", reviews.access_review_finish, name="access-review-finish"),
    path(f"{_REVIEW}/file", reviews.access_review_file, name="access-review-file"),
    path(f"{_REVIEW}/items/<uuid:item_id>", reviews.access_review_item, name="access-review-item"),
]
