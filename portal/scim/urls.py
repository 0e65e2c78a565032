"""Addresses of directories: their pages, and what they call themselves."""

from django.urls import path

from portal.scim.views import pages

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
]
