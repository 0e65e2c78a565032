"""Invitations: by mail where there is a server, by the administrator's hand where there is none."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from portal.access import grant_role
from portal.accounts.invitations import accept_invitation, invite_again, invite_person
from portal.accounts.models import Invitation, User
from portal.accounts.people import deactivate_person, reset_password
from portal.config.mail import parse_email_url
from portal.directory.groups import add_member
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Gone, Invalid
from portal.ledger.models import Entry
from tests.integration.company import last_entry
from tests.integration.pages import as_, text
from tests.mail import MailServer

PASSWORD = "a-passphrase-of-her-own"
NINA = {"username": "nina", "name": "Nina", "email": "nina@example.com"}
LINK = re.compile(r"http\S+/invitation/([\w-]{43})")


@pytest.fixture(autouse=True)
def nothing_counted_yet(db):
    cache.clear()


@pytest.fixture
def server(settings):
    with MailServer() as running:
        server = parse_email_url(f"smtp+plain://127.0.0.1:{running.port}")
        settings.EMAIL_BACKEND, settings.SENDS_MAIL = server.backend, True
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.host, server.port
        settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = server.starttls, server.tls
        yield running


@pytest.fixture
def invited(company):
    return invite_person(by=company.ada, **NINA)


def accept(browser, secret, password=PASSWORD, again=None):
    form = {"password": password, "again": again or password}
    return browser.post(reverse("invitation", args=[secret]), form)


def test_an_invitation_goes_by_mail_and_lets_its_reader_in_once(company, server, settings):
    ada = as_(company.ada)
    page = ada.post(reverse("person-invite"), NINA, follow=True)
    assert "Invitation sent to nina@example.com" in text(page)
    assert not LINK.search(page.content.decode()), "only the mailbox gets the link"
    nina = User.objects.get(username="nina")
    add_member(by=company.gus, group=company.leads, person=nina)
    grant_role(by=company.ada, to=nina, role="viewer", target=company.shop)
    (mail,) = server.messages
    assert (server.receivers, mail["To"]) == (["nina@example.com"], "nina@example.com")
    assert "Ada added you to Countersign of Acme" in mail.get_content()
    (secret,) = LINK.findall(mail.get_content())
    browser = Client()
    for _ in range(2):
        page = text(browser.get(reverse("invitation", args=[secret])))
        assert "Welcome, Nina" in page
        assert "leads" in page
        assert "Viewer" in page
    nina.refresh_from_db()
    assert not nina.has_usable_password(), "looking changes nothing"
    assert accept(browser, secret).headers["Location"] == reverse("security")
    assert browser.get(reverse("security")).status_code == 200
    assert '"authn":"password"' in last_entry("sign_in.succeeded")
    assert str(nina.actor_ref) in last_entry("invitation.accepted")
    other = Client()
    assert other.get(reverse("invitation", args=[secret])).status_code == 410
    assert accept(other, secret, "another-good-passphrase").status_code == 410
    nina.refresh_from_db()
    assert nina.check_password(PASSWORD)


@pytest.mark.parametrize("broken", ["none", "refuses"])
def test_without_mail_the_administrator_gets_the_link(company, server, settings, broken):
    if broken == "none":
        settings.SENDS_MAIL = False
    server.says["RCPT"] = "550 no such mailbox"
    answer = as_(company.ada).post(reverse("person-invite"), NINA)
    (secret,) = LINK.findall(answer.content.decode())
    said = {"none": "No mail server is set up", "refuses": "did not take the mail"}
    assert said[broken] in text(answer)
    assert "no-store" in answer["Cache-Control"]
    assert accept(Client(), secret).status_code == 302
    assert not server.messages


def test_nothing_that_is_stored_opens_an_invitation(invited):
    invitation, secret = invited
    row = Invitation.objects.values().get(pk=invitation.pk)
    assert secret not in str({**row, "secret_hash": bytes(row["secret_hash"])})
    assert not any(secret in bytes(entry.payload).decode() for entry in Entry.objects.all())
    assert "nina" not in last_entry("invitation.created")


def test_an_invitation_ends(company, invited):
    invitation, secret = invited
    nina, address = invitation.person, reverse("invitation", args=[secret])
    assert Client().get(address).status_code == 200
    Invitation.objects.update(expires_at=now() - timedelta(seconds=1))
    assert Client().get(address).status_code == 410
    _second, newer = invite_again(by=company.ada, person=nina)
    third, newest = invite_again(by=company.ada, person=nina)
    assert accept(Client(), newer).status_code == 410, "only the last one works"
    ada, end = as_(company.ada), reverse("person-invite-end", args=[nina.pk])
    assert "has not chosen a password" in text(ada.get(reverse("person", args=[nina.pk])))
    ada.get(end)
    assert Client().get(reverse("invitation", args=[newest])).status_code == 200
    ada.post(end)
    assert accept(Client(), newest).status_code == 410
    assert str(third.pk) in last_entry("invitation.withdrawn")
    assert Client().get(reverse("invitation", args=["x" * 43])).status_code == 404
    nina.refresh_from_db()
    assert not nina.has_usable_password()


def test_an_invitation_gives_nothing_of_a_person_who_has_a_password_or_is_deactivated(company):
    invitation, secret = invite_person(by=company.ada, **NINA)
    reset_password(by=company.ada, person=invitation.person)
    with pytest.raises(Gone):
        accept_invitation(secret=secret, password=PASSWORD)
    with pytest.raises(Conflict) as refusal:
        invite_again(by=company.ada, person=invitation.person)
    assert refusal.value.code == "has-password"
    other = {"username": "otto", "name": "Otto", "email": "otto@example.com"}
    invitation, secret = invite_person(by=company.ada, **other)
    deactivate_person(by=company.ada, person=invitation.person)
    with pytest.raises(Gone):
        accept_invitation(secret=secret, password=PASSWORD)
    with pytest.raises(Conflict):
        invite_again(by=company.ada, person=invitation.person)


def test_only_administrators_invite_and_an_address_is_needed(company):
    with pytest.raises(Forbidden):
        invite_person(by=company.max, **NINA)
    with pytest.raises(Invalid):
        invite_person(by=company.ada, **NINA | {"email": ""})
    taken = as_(company.ada).post(reverse("person-invite"), NINA | {"username": "VERA"})
    assert (taken.status_code, "username" in taken.context["form"].errors) == (422, True)
    assert not Invitation.objects.exists()


@pytest.mark.parametrize(
    ("password", "again"),
    [("short", None), (PASSWORD, "another one entirely"), ("nina nina", None)],
)
def test_a_bad_password_leaves_the_invitation_as_it_was(company, invited, password, again):
    browser, (_invitation, secret) = Client(), invited
    assert accept(browser, secret, password, again).status_code == 422
    assert browser.get("/").status_code == 302
    assert accept(browser, secret).status_code == 302


def test_nobody_signs_in_as_an_invited_person_without_the_link(company, invited):
    browser = Client()
    for typed in ("", "!", invited[0].person.password):
        browser.post(reverse("account_login"), {"login": "nina", "password": typed})
        assert browser.get("/").status_code == 302
