"""Connecting systems: who may, what is refused, what is recorded and what never leaves again."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from approvals.connections.check import check_connection
from approvals.connections.configure import (
    archive_connection,
    change_connection,
    pause_connection,
)
from approvals.models import Connection
from portal.access import grant_role
from portal.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from portal.kernel.sealed import unseal
from portal.ledger.models import Entry
from tests.factories import person
from tests.remote import Says

pytestmark = pytest.mark.django_db


@pytest.fixture
def maintainer(who):
    found = person(who.admin, "Mai Maintainer")
    grant_role(by=who.admin, to=found, role="maintainer", target=who.project)
    return found


def change(connection, by, **more):
    given = {
        "name": connection.name,
        "settings": connection.settings,
        "secrets": {},
        "private": connection.private,
        **more,
    }
    return change_connection(by=by, connection=connection, **given)


def refused(act, field):
    with pytest.raises(Invalid) as refusal:
        act()
    assert [error["field"] for error in refusal.value.extra["errors"]] == [field]
    return refusal.value.sentence


def entries():
    rows = Entry.objects.filter(type__startswith="connection.").order_by("id")
    return [(row.type, json.loads(bytes(row.payload))) for row in rows]


class TestWho:
    def test_a_maintainer_connects_their_project_and_nothing_inside_the_network(
        self, who, connect, maintainer
    ):
        outside = {"settings": {"url": "https://forge.example"}, "private": False}
        made = connect(who, by=maintainer, **outside)
        assert made.hosts == ["forge.example:443"]
        with pytest.raises(Forbidden):
            connect(who, by=maintainer, name="inside")
        with pytest.raises(Forbidden):
            connect(who, by=maintainer, name="everywhere", project=None, **outside)

    def test_a_viewer_connects_nothing(self, who, connect):
        with pytest.raises(Forbidden):
            connect(who, by=who.alice)

    def test_what_an_administrator_allowed_inside_stays_where_it_points(self, shop, maintainer):
        change(shop.connection, maintainer, name="renamed")
        shop.connection.refresh_from_db()
        elsewhere = {"url": "http://169.254.169.254"}
        with pytest.raises(Forbidden):
            change(shop.connection, maintainer, settings=elsewhere, secrets={"token": "x"})


class TestRefused:
    @pytest.mark.parametrize(
        ("url", "words"),
        [
            ("", "required"),
            ("ftp://forge.example", "must begin with https://"),
            ("http://forge.example", "only for systems inside"),
            ("https://me:secret@forge.example", "user name or password"),
            ("https://forge.example\n", None),
            ("https://[::1", "no address"),
        ],
    )
    def test_addresses(self, who, connect, url, words):
        given = {"settings": {"url": url}, "private": False}
        if words is None:
            assert connect(who, **given).settings["url"] == url.strip()
        else:
            assert words in refused(lambda: connect(who, **given), "url")

    def test_a_required_secret(self, who, connect):
        refused(lambda: connect(who, secrets={"token": ""}), "token")

    def test_a_setting_or_a_secret_that_the_source_has_not(self, who, connect, forge):
        with pytest.raises(Invalid):
            connect(who, settings={"url": forge.url, "admin": "yes"})
        with pytest.raises(Invalid):
            connect(who, secrets={"token": "x", "other": "y"})

    def test_the_same_name_twice(self, shop, connect):
        refused(lambda: connect(shop), "name")
        connect(shop, project=None)
        archive_connection(by=shop.admin, connection=shop.connection)
        connect(shop)

    def test_an_environment_of_another_project(self, who, connect):
        refused(lambda: connect(who, project=None, environment=who.staging), "environment")

    def test_an_unknown_kind(self, who, connect):
        with pytest.raises(NotFound):
            connect(who, kind="nothing")

    def test_an_archived_one_is_changed_no_more(self, shop):
        archive_connection(by=shop.admin, connection=shop.connection)
        with pytest.raises(Conflict):
            pause_connection(by=shop.admin, connection=shop.connection)


class TestSecrets:
    def test_they_are_sealed_kept_and_replaced(self, shop):
        row = Connection.objects.get()
        assert "glpat" not in json.dumps(row.secrets)
        assert unseal(row.secrets["token"]) == "glpat-secret"
        assert unseal(change(row, shop.admin, name="n").secrets["token"]) == "glpat-secret"
        assert unseal(change(row, shop.admin, secrets={"token": "new"}).secrets["token"]) == "new"

    def test_they_are_not_sent_to_another_host_by_who_does_not_know_them(self, shop, maintainer):
        elsewhere = {"settings": {"url": "https://evil.example"}, "private": False}
        said = refused(lambda: change(shop.connection, maintainer, **elsewhere), "token")
        assert "Enter it again" in said
        changed = change(shop.connection, maintainer, **elsewhere, secrets={"token": "mine"})
        assert unseal(changed.secrets["token"]) == "mine"

    def test_archiving_forgets_them(self, shop):
        archive_connection(by=shop.admin, connection=shop.connection)
        assert Connection.objects.get().secrets == {}

    def test_the_ledger_names_them_and_says_nothing_of_them(self, shop):
        change(shop.connection, shop.admin, secrets={"token": "glpat-other"})
        text = json.dumps(entries())
        assert "glpat" not in text
        assert Connection.objects.get().secrets["token"] not in text
        made, changed = entries()
        assert made[1]["change"]["after"]["secrets"] == ["token"]
        assert changed[1]["object"]["secrets_replaced"] == ["token"]


class TestReseal:
    def test_an_old_key_can_go_afterwards(self, shop, settings):
        old, new = settings.SECRET_KEY, "n" * 40
        settings.SECRETS_KEY = [new, old]
        out = StringIO()
        call_command("reseal", stdout=out)
        assert (
            out.getvalue()
            == "1 connections, 0 streams, 0 factors and 0 sign-in providers resealed\n"
        )
        settings.SECRETS_KEY = [new]
        assert unseal(Connection.objects.get().secrets["token"]) == "glpat-secret"
        assert entries()[-1][0] == "connection.resealed"

    def test_what_no_key_opens_is_named_and_stays(self, shop, settings):
        before = Connection.objects.get().secrets
        settings.SECRETS_KEY = ["n" * 40]
        with pytest.raises(CommandError, match=r"secrets of: our forge \("):
            call_command("reseal", stdout=StringIO())
        assert Connection.objects.get().secrets == before


class TestRecorded:
    def test_what_changed_before_and_after(self, shop, forge):
        change(shop.connection, shop.admin, settings={"url": forge.url, "team": "red"})
        pause_connection(by=shop.admin, connection=shop.connection)
        archive_connection(by=shop.admin, connection=shop.connection)
        names = [name for name, _ in entries()]
        assert names == ["connection.created", *["connection.changed"] * 2, "connection.archived"]
        assert entries()[1][1]["change"] == {
            "before": {"settings.team": ""},
            "after": {"settings.team": "red"},
        }
        assert entries()[2][1]["change"]["before"] == {"paused_at": None}

    def test_saving_the_same_changes_nothing(self, shop):
        change(shop.connection, shop.admin)
        assert len(entries()) == 1

    def test_a_change_begins_with_a_closed_breaker(self, shop, forge):
        Connection.objects.update(failures=9, last_error="refused")
        changed = change(shop.connection, shop.admin, settings={"url": forge.url, "team": "x"})
        assert (changed.failures, changed.last_error, changed.revision) == (0, "", 2)


class TestCheck:
    def test_it_says_what_it_found(self, shop):
        found = check_connection(by=shop.admin, connection=shop.connection)
        assert (found.works, found.sentence) == (True, "It is version 9.1.")
        assert entries()[-1][1]["outcome"] == "works"

    def test_it_says_what_went_wrong_and_hostile_text_is_shown(self, shop, forge):
        forge.paths["/version"] = Says({"version": "9\u202e1"})
        assert "⟨U+202E⟩" in check_connection(by=shop.admin, connection=shop.connection).sentence
        forge.paths["/version"] = Says({}, 401)
        found = check_connection(by=shop.admin, connection=shop.connection)
        assert (found.works, entries()[-1][1]["outcome"]) == (False, "fails")
        assert "credentials" in Connection.objects.get().last_error

    def test_it_asks_whatever_the_breaker_says_and_closes_it(self, shop, forge):
        Connection.objects.update(failures=9, open_until="2099-01-01T00:00:00Z")
        shop.connection.refresh_from_db()
        assert check_connection(by=shop.admin, connection=shop.connection).works
        assert Connection.objects.get().failures == 0

    def test_a_viewer_may_not(self, shop, forge):
        with pytest.raises(Forbidden):
            check_connection(by=shop.alice, connection=shop.connection)
        assert forge.count() == 0


def test_no_more_than_thirty_in_one_place(who, connect, monkeypatch):
    monkeypatch.setattr("approvals.connections.configure.MOST", 2)
    connect(who, name="one")
    connect(who, name="two")
    with pytest.raises(Conflict, match="2 connections already"):
        connect(who, name="three")
