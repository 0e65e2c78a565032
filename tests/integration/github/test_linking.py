"""Linking an account: the page shows a text, and a key that GitHub publishes has to sign it."""

import re

import pytest

from approvals.models import Connection
from portal.accounts.models import ForgeAccount, ForgeChallenge
from portal.accounts.people import create_person
from portal.ledger.models import Entry
from tests.factories import PASSWORD
from tests.integration.pages import as_
from tests.ssh import Key

pytestmark = pytest.mark.django_db

PAGE = "/settings/forge-accounts"


@pytest.fixture
def alice(admin):
    return create_person(by=admin, username="alice", name="Alice", password=PASSWORD)


@pytest.fixture
def key():
    return Key()


@pytest.fixture
def forge(hub, connect, key):
    """The forge as the form names it, where Alice is account 11."""
    connect()
    hub.member("alice-at-work", 11, "ssh-rsa AAAA old@laptop", key.line)
    return f"github {hub.url}"


@pytest.fixture
def begin(alice, forge):
    """The address of the page with the text to sign, and the text."""

    def act(login="alice-at-work"):
        answer = as_(alice).post(PAGE, {"forge": forge, "login": login})
        assert answer.status_code == 302, answer.content.decode()
        return answer["Location"], ForgeChallenge.objects.latest("made_at").text

    return act


def test_a_signature_by_a_published_key_links(alice, begin, key):
    address, text = begin()
    page = as_(alice).get(address).content.decode()
    shown = re.search(r"TEXT&#x27;\n(.*)TEXT\n</textarea>|TEXT'\n(.*)TEXT\n</textarea>", page, re.S)
    assert text in (shown[1], shown[2])
    assert as_(alice).post(address, {"signature": key.sign(text)})["Location"] == PAGE
    account = ForgeAccount.objects.get()
    assert (account.person, account.number, account.login) == (alice, 11, "alice-at-work")
    assert account.how == "signed"
    assert "alice-at-work" in as_(alice).get(PAGE).content.decode()
    assert Entry.objects.filter(type="forge_account.linked", actor_ref=alice.actor_ref).exists()


def test_looking_at_the_pages_links_nothing(alice, begin, key):
    address, text = begin()
    as_(alice).get(address, {"signature": key.sign(text)})
    assert not ForgeAccount.objects.exists()


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        (lambda key, text: Key().sign(text), "none of those that the forge publishes"),
        (lambda key, text: key.sign(text, "git"), "-n countersign"),
        (lambda key, text: key.sign(text.replace("alice", "mallory")), "another text"),
        (lambda key, text: "ssh-ed25519", "whole signature"),
    ],
)
def test_any_other_signature_is_refused_beside_the_field(alice, begin, key, signature, why):
    address, text = begin()
    answer = as_(alice).post(address, {"signature": signature(key, text)})
    assert answer.status_code == 422
    assert why in answer.content.decode()
    assert not ForgeAccount.objects.exists()


def test_a_text_is_of_who_began_and_of_nobody_else(admin, alice, begin, key):
    address, text = begin()
    mallory = create_person(by=admin, username="mallory", name="Mallory", password=PASSWORD)
    assert as_(mallory).post(address, {"signature": key.sign(text)}).status_code == 404
    assert as_(alice).post(address, {"signature": key.sign(text)}).status_code == 302
    assert as_(alice).post(address, {"signature": key.sign(text)}).status_code == 404


def test_a_name_that_went_to_somebody_else_meanwhile_links_nothing(alice, begin, hub, key):
    """The keys are those of the name, the account is the number."""
    address, text = begin()
    hub.members = {"alice-moved": (11, ()), "alice-at-work": (666, (key.line,))}
    answer = as_(alice).post(address, {"signature": key.sign(text)})
    assert answer.status_code == 503
    assert not ForgeAccount.objects.exists()


def test_an_account_that_is_not_there_is_said_beside_the_field(alice, forge):
    answer = as_(alice).post(PAGE, {"forge": forge, "login": "nobody"})
    assert answer.status_code == 422
    assert "knows no account of this name" in answer.content.decode()


def test_a_forge_that_no_connection_reads_is_none_to_choose(alice, forge):
    answer = as_(alice).post(PAGE, {"forge": "github evil.example", "login": "alice-at-work"})
    assert answer.status_code == 422
    Connection.objects.update(paused_at="2026-11-25T00:00Z")
    assert "No GitHub and no GitLab" in as_(alice).get(PAGE).content.decode()


def test_an_administrator_links_a_bot_to_who_answers_for_it(admin, alice, forge, hub):
    hub.member("release[bot]", 99)
    form = {"forge": forge, "login": "release[bot]", "reason": "Alice runs it"}
    address = f"/people/{alice.pk}/forge-accounts"
    assert as_(admin).post(f"{address}/new", form).status_code == 302
    account = ForgeAccount.objects.get(person=alice)
    assert (account.number, account.how, account.reason) == (99, "by-hand", "Alice runs it")
    assert "release[bot]" in as_(admin).get(f"/people/{alice.pk}").content.decode()
    end = f"{address}/{account.pk}/unlink"
    assert "one approval more" in as_(admin).get(end).content.decode()
    assert ForgeAccount.objects.filter(archived_at=None).exists()
    assert as_(admin).post(end).status_code == 302
    assert not ForgeAccount.objects.filter(archived_at=None).exists()


def test_nobody_links_an_account_to_themselves_by_hand(admin, forge):
    form = {"forge": forge, "login": "alice-at-work", "reason": "It is mine"}
    answer = as_(admin).post(f"/people/{admin.pk}/forge-accounts/new", form)
    assert answer.status_code == 403
    assert not ForgeAccount.objects.exists()
