"""People: added and deactivated by administrators, never by themselves; names stay erasable."""

import pytest

from portal.access import Capability, grant_role, holds
from portal.accounts.models import User
from portal.accounts.people import (
    change_person,
    change_settings,
    create_person,
    deactivate_person,
    found_portal,
    reactivate_person,
    reset_password,
    start_password,
)
from portal.directory.queries import active_members, groups_of
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.ledger.models import Entry
from tests.integration.company import PASSWORD, entries, last_entry


def test_an_administrator_adds_a_person_whose_name_stays_out_of_the_ledger(company):
    nina = create_person(
        by=company.ada, username="nina7", name="Nina Quux", password=PASSWORD, email="n@x.example"
    )
    assert nina.check_password(PASSWORD)
    assert str(nina.actor_ref) in last_entry("person.created")
    change_person(by=company.ada, person=nina, name="Nina Quuux")
    written = b"".join(bytes(entry.payload) for entry in Entry.objects.all())
    for private in (b"Quu", b"nina7", b"n@x.example", PASSWORD.encode()):
        assert private not in written


@pytest.mark.parametrize("name", ["max", "vera", "gus", "olga"])
def test_nobody_else_changes_people(company, name):
    by = getattr(company, name)
    with pytest.raises(Forbidden):
        create_person(by=by, username="nina", name="Nina", password=PASSWORD)
    with pytest.raises(Forbidden):
        change_person(by=by, person=by, name="Boss")
    with pytest.raises(Forbidden):
        deactivate_person(by=by, person=company.ada)
    with pytest.raises(Forbidden):
        reset_password(by=by, person=company.ada)


@pytest.mark.parametrize("username", ["ada", "ADA", "", "a b", "x" * 151, "a\0"])
def test_a_sign_in_name_is_one_persons(company, username):
    with pytest.raises(Invalid) as refusal:
        create_person(by=company.ada, username=username, name="Nina", password=PASSWORD)
    assert refusal.value.extra["errors"][0]["field"] == "username"
    assert create_person(by=company.ada, username="nina", name="Nina", password=PASSWORD)


@pytest.mark.parametrize("password", ["short", "password1234", "", "nina-nina-nina"])
def test_a_weak_password_is_refused(company, password):
    with pytest.raises(Invalid) as refusal:
        create_person(by=company.ada, username="nina-nina-nina", name="Nina", password=password)
    assert refusal.value.extra["errors"][0]["field"] == "password"


def test_start_passwords_are_long_and_differ():
    made = {start_password() for _ in range(50)}
    assert len(made) == 50
    assert all(len(password) == 23 for password in made)


def test_deactivating_ends_every_right_at_once(company):
    assert holds(company.max, Capability.MAINTAIN, company.shop)
    assert groups_of(company.vera) == ["leads"]
    for person in (company.max, company.vera):
        deactivate_person(by=company.ada, person=person)
        person.refresh_from_db()
    assert not holds(company.max, Capability.MAINTAIN, company.shop)
    assert groups_of(company.vera) == []
    assert active_members(["leads"]) == {"leads": []}
    reactivate_person(by=company.ada, person=company.vera)
    assert active_members(["leads", "none"]) == {"leads": [company.vera], "none": []}
    assert '"is_active":true' in last_entry("person.changed")


def test_administrators_do_not_switch_themselves_off_or_reset_themselves(company):
    for service in (deactivate_person, reactivate_person, reset_password):
        with pytest.raises(Forbidden) as refusal:
            service(by=company.ada, person=company.ada)
        assert refusal.value.code == "own-account"


def test_a_reset_password_works_and_is_recorded_without_itself(company):
    old = company.max.password
    password = reset_password(by=company.ada, person=company.max)
    company.max.refresh_from_db()
    assert company.max.check_password(password)
    assert company.max.password != old
    assert '"fields":["password"]' in last_entry("person.changed")
    assert password not in last_entry("person.changed")
    deactivate_person(by=company.ada, person=company.max)
    with pytest.raises(Conflict):
        reset_password(by=company.ada, person=company.max)


def test_a_portal_is_founded_once(company):
    with pytest.raises(Forbidden) as refusal:
        found_portal(organisation="Acme", username="eve", name="Eve", password=PASSWORD)
    assert refusal.value.code == "has-administrator"
    assert not User.objects.filter(username="eve").exists()


def test_everybody_sets_their_own_preferences(company):
    change_settings(by=company.olga, theme="dark", time_zone="Asia/Tokyo", single_keys=False)
    company.olga.refresh_from_db()
    assert (company.olga.theme, company.olga.time_zone) == ("dark", "Asia/Tokyo")
    before = len(entries("person.changed"))
    change_settings(by=company.olga, theme="dark")
    assert len(entries("person.changed")) == before


@pytest.mark.parametrize(
    "wanted", [{"theme": "pink"}, {"time_zone": "Mars/Base"}, {"is_superuser": True}, {"name": "X"}]
)
def test_other_settings_are_refused(company, wanted):
    with pytest.raises(Invalid):
        change_settings(by=company.olga, **wanted)


def test_a_person_change_may_not_carry_foreign_fields(company):
    grant_role(by=company.ada, to=company.max, role="administrator", target=company.organisation)
    for field in ("is_superuser", "is_active", "password", "actor_ref"):
        with pytest.raises(Invalid):
            change_person(by=company.max, person=company.olga, **{field: "x"})
