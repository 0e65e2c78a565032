"""Addresses of directories: their pages, and what they call themselves."""

from django.urls import path

from portal.scim.kinds import APPROVER_GROUPS, PEOPLE
from portal.scim.views import discovery, pages, resources

_SCIM = "scim/v2"
_DIRECTORY = "people/directories/<uuid:directory_id>"

urlpatterns = [
    path("people/directories/", pages.directories, name="directories"),
    path("people/directories/new", pages.directory_new, name="directory-new"),
    path(_DIRECTORY, pages.directory, name="directory"),
    path(f"{_DIRECTORY}/token", pages.directory_token, name="directory-token"),
    path(f"{_DIRECTORY}/archive", pages.directory_archive, name="directory-archive"),
    path(f"{_DIRECTORY}/people", pages.directory_give_person, name="directory-give-person"),
    path(f"{_DIRECTORY}/groups", pages.directory_give_group, name="directory-give-group"),
    path(
        f"{_DIRECTORY}/people/<uuid:person_id>/take",
        pages.directory_take_person,
        name="directory-take-person",
    ),
    path(
        f"{_DIRECTORY}/groups/<uuid:group_id>/take",
        pages.directory_take_group,
        name="directory-take-group",
    ),
    path(f"{_SCIM}/Users", resources.collection, {"kind": PEOPLE}, name="scim-users"),
    path(f"{_SCIM}/Users/.search", resources.search, {"kind": PEOPLE}, name="scim-users-search"),
    path(f"{_SCIM}/Users/<str:id>", resources.resource, {"kind": PEOPLE}, name="scim-user"),
    path(f"{_SCIM}/Groups", resources.collection, {"kind": APPROVER_GROUPS}, name="scim-groups"),
    path(
        f"{_SCIM}/Groups/.search",
        resources.search,
        {"kind": APPROVER_GROUPS},
        name="scim-groups-search",
    ),
    path(
        f"{_SCIM}/Groups/<str:id>",
        resources.resource,
        {"kind": APPROVER_GROUPS},
        name="scim-group",
    ),
    path(f"{_SCIM}/ServiceProviderConfig", discovery.service_provider_config, name="scim-service"),
    path(f"{_SCIM}/ResourceTypes", discovery.resource_types, name="scim-types"),
    path(f"{_SCIM}/ResourceTypes/<str:id>", discovery.resource_type, name="scim-type"),
    path(f"{_SCIM}/Schemas", discovery.schemas, name="scim-schemas"),
    path(f"{_SCIM}/Schemas/<str:id>", discovery.schema, name="scim-schema"),
    *(
        path(f"{_SCIM}/{place}", discovery.not_there, name=name)
        for place, name in (("Me", "scim-me"), ("Bulk", "scim-bulk"), (".search", "scim-search"))
    ),
]
