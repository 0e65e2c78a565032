"""Signed-in devices: seen by their owner, ended one by one, and all at once where it is needed."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.accounts.devices import agent_words
from portal.accounts.erase import forget
from portal.accounts.factors import add_app
from portal.accounts.invitations import invite_person
from portal.accounts.models import Session
from portal.accounts.people import deactivate_person, reactivate_person, reset_password
from portal.kernel.clock import now
from tests.integration.company import PASSWORD, entries, last_entry
from tests.integration.pages import as_, text

SECURITY = "/settings/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) Version/18.4 Mobile Safari/604.1"


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


def sign_in(person, agent=FIREFOX) -> Client:
    browser = Client(headers={"user-agent": agent})
    form = {"login": person.username, "password": PASSWORD}
    assert browser.post(reverse("account_login"), form).status_code == 302
    return browser


def is_in(browser) -> bool:
    return browser.get(reverse("projects")).status_code == 200


def test_a_person_sees_where_they_are_signed_in(company):
    laptop, _phone = sign_in(company.vera), sign_in(company.vera, SAFARI)
    sign_in(company.olga, "curl/8")
    page = text(laptop.get(SECURITY))
    assert "Firefox, Linux by password" in page
    assert "Safari, iPhone" in page
    assert page.count("127.0.0.1") == 2
    assert page.count("This device") == 1
    assert "curl" not in page


def test_a_page_writes_nothing_into_the_session(company):
    browser = sign_in(company.vera)
    before = Session.objects.get(person=company.vera).session_data
    browser.get(SECURITY)
    assert Session.objects.get(person=company.vera).session_data == before


def test_a_copy_of_the_database_signs_nobody_in(company):
    laptop = sign_in(company.vera)
    key = laptop.cookies["countersign_session"].value
    stored = Session.objects.get(person=company.vera).session_key
    assert key not in str(list(Session.objects.values()))
    thief = Client()
    thief.cookies["countersign_session"] = stored
    assert not is_in(thief)
    thief.cookies["countersign_session"] = key
    assert is_in(thief)


def test_a_device_is_signed_out_and_its_next_page_asks_for_a_sign_in(company):
    laptop, phone = sign_in(company.vera), sign_in(company.vera, SAFARI)
    device = Session.objects.get(person=company.vera, agent="Safari, iPhone").device
    sign_out = reverse("device-sign-out", args=[device])
    assert sign_in(company.olga).post(sign_out).status_code == 404
    assert is_in(phone)
    assert laptop.get(sign_out).status_code == 405
    assert is_in(phone)
    laptop.post(sign_out)
    assert (is_in(phone), is_in(laptop)) == (False, True)
    assert str(device) in last_entry("device.signed_out")
    assert laptop.post(sign_out).status_code == 404


def test_all_other_devices_are_signed_out_at_once(company):
    laptop, phone, other = sign_in(company.vera), sign_in(company.vera), sign_in(company.olga)
    laptop.post(reverse("devices-sign-out"))
    assert (is_in(laptop), is_in(phone), is_in(other)) == (True, False, True)
    assert len(entries("device.signed_out")) == 1


def test_an_administrator_signs_somebody_out_everywhere(company):
    laptop, phone, ada = sign_in(company.vera), sign_in(company.vera), as_(company.ada)
    address = reverse("person-sign-out", args=[company.vera.pk])
    assert "Every device" in text(ada.get(address))
    assert is_in(laptop)
    assert "2 devices" in text(ada.get(reverse("person", args=[company.vera.pk])))
    ada.post(address)
    assert (is_in(laptop), is_in(phone), is_in(ada)) == (False, False, True)
    assert all(str(company.ada.actor_ref) in entry for entry in entries("device.signed_out"))


def test_sessions_do_not_come_back_with_a_reactivated_person(company):
    browser = sign_in(company.vera)
    deactivate_person(by=company.ada, person=company.vera)
    assert not is_in(browser)
    reactivate_person(by=company.ada, person=company.vera)
    assert not is_in(browser)


def test_a_new_password_ends_every_other_session(company):
    laptop, phone = sign_in(company.vera), sign_in(company.vera)
    new = "a-much-better-passphrase"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    laptop.post(reverse("account_change_password"), form)
    assert (is_in(laptop), is_in(phone)) == (True, False)
    assert text(laptop.get(SECURITY)).count("Firefox") == 1
    reset_password(by=company.ada, person=company.vera)
    assert not is_in(laptop)
    assert not Session.objects.filter(person=company.vera).exists()


def test_what_is_over_is_neither_shown_nor_kept(company):
    sign_in(company.vera, SAFARI)
    Session.objects.filter(person=company.vera).update(expire_date=now() - timedelta(hours=1))
    laptop = sign_in(company.vera)
    assert "Safari" not in text(laptop.get(SECURITY))
    assert Session.objects.filter(person=company.vera).count() == 1


def test_an_erased_person_keeps_neither_sessions_nor_factors_nor_invitations(company):
    browser = sign_in(company.vera)
    add_app(person=company.vera, secret="JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    nina = {"username": "nina", "name": "Nina", "email": "nina@example.com"}
    invitation, _secret = invite_person(by=company.ada, **nina)
    for person in (company.vera, invitation.person):
        assert person.sessions.exists() or person.invitations.exists()
        forget(person, now())
        assert not person.sessions.exists()
        assert not person.authenticator_set.exists()
        assert not person.invitations.exists()
    assert not is_in(browser)


@pytest.mark.parametrize(
    ("agent", "words"),
    [(FIREFOX, "Firefox, Linux"), (SAFARI, "Safari, iPhone"), ("", ""),
     ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge, Windows"),
     ("x" * 500, "x" * 80)],
)  # fmt: skip
def test_browsers_are_named_in_words(agent, words):
    assert agent_words(agent) == words
