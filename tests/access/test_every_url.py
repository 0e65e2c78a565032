"""Every address, every kind of person, what they get. A new address without a row fails."""

import pytest
from django.urls import reverse

from tests.access.addresses import ELSEWHERE, MACHINES, PAGES, rows
from tests.access.world import PERSONAS, every_address

OURS = rows(PAGES) | rows(MACHINES)
THEIRS = rows(ELSEWHERE)
OF_A_PROJECT = {"project_id", "environment_id", "account_id", "token_id", "request_id"} | {
    "window_id",
    "exception_id",
    "calendar_id",
    "connection_id",
}


def answers(world, name, place, method):
    """The status each persona gets, each asked as if nobody had asked before."""
    parameters = world.arguments(name, every_address()[name], place)
    address = reverse(name, kwargs=parameters)
    return [world.ask(persona, method, address, name, place) for persona in PERSONAS]


def test_every_address_has_a_row_and_every_row_an_address():
    assert set(OURS) == set(every_address())


def test_every_address_about_a_project_has_a_row_for_the_other_project():
    pages = {name for name in rows(PAGES) if every_address()[name] & OF_A_PROJECT}
    assert set(THEIRS) == pages


@pytest.mark.parametrize("name", OURS)
def test_who_gets_what(world, name):
    expected_get, expected_post = OURS[name]
    assert answers(world, name, world.shop, "get") == expected_get
    assert answers(world, name, world.shop, "post") == expected_post


@pytest.mark.parametrize("name", THEIRS)
def test_who_gets_what_of_another_project(world, name):
    expected_get, expected_post = THEIRS[name]
    assert answers(world, name, world.bank, "get") == expected_get
    assert answers(world, name, world.bank, "post") == expected_post


@pytest.mark.parametrize(
    "name", [name for name in THEIRS if {"environment_id", "account_id"} & every_address()[name]]
)
def test_an_object_under_the_wrong_project_is_not_found_even_by_an_administrator(world, name):
    parameters = world.arguments(name, every_address()[name], world.bank)
    parameters["project_id"] = world.shop.project.pk
    address = reverse(name, kwargs=parameters)
    assert world.ask("administrator", "get", address, name, world.bank) == 404


def test_nobody_gets_anything_from_a_session_once_they_are_deactivated(world, undone):
    from portal.accounts.people import deactivate_person

    person = world.people["approver"]
    deactivate_person(by=world.company.admin, person=person)
    for name in ("queue", "request", "projects"):
        parameters = world.arguments(name, every_address()[name], world.shop)
        address = reverse(name, kwargs=parameters)
        assert world.ask("approver", "get", address, name, world.shop) == 302
