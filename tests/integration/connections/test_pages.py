"""Pages of connections and sources, as people use them."""

from datetime import timedelta

import pytest
from django.urls import reverse

from approvals.connections.configure import pause_connection
from approvals.context.registry import CONNECTED
from approvals.models import Connection, Reading
from portal.access import grant_role
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now
from portal.kernel.sealed import unseal
from tests.api import call
from tests.factories import ask, person
from tests.integration.pages import as_, text
from tests.remote import Says

pytestmark = pytest.mark.django_db


@pytest.fixture
def maintainer(who):
    found = person(who.admin, "Mai Maintainer")
    grant_role(by=who.admin, to=found, role="maintainer", target=who.project)
    return as_(found)


@pytest.fixture
def filled(forge):
    """A form that is filled in."""
    return {"name": "our forge", "url": forge.url, "token": "glpat-secret", "private": "on"}


def page(connection, name="connection"):
    return reverse(name, args=[connection.pk])


def test_an_administrator_connects_a_system_and_tests_it(who, filled):
    admin = as_(who.admin)
    kinds = admin.get(reverse("connection-kinds", args=[who.project.pk]))
    assert "HTTP and JSON" in text(kinds)
    new = reverse("connection-new", args=[who.project.pk, "forge"])
    assert new in kinds.content.decode()
    answer = admin.post(new, filled, follow=True)
    assert "Connected. Test it now" in text(answer)
    found = Connection.objects.get()
    assert (found.settings["url"], unseal(found.secrets["token"])) == (
        filled["url"],
        "glpat-secret",
    )
    tested = admin.post(page(found, "connection-test"))
    assert "It works It is version 9.1." in text(tested)
    assert "Works" in text(admin.get(reverse("connections", args=[who.project.pk])))


def test_htmx_gets_the_part_alone_that_a_test_changes(shop, forge):
    forge.paths["/version"] = Says({}, 401)
    answer = as_(shop.admin).post(
        page(shop.connection, "connection-test"), headers={"HX-Request": "true"}
    )
    assert "It does not work its server refuses the credentials" in text(answer)
    assert "<html" not in answer.content.decode()


def test_a_secret_never_comes_back(shop, forge, filled):
    admin = as_(shop.admin)
    pages = [
        admin.get(page(shop.connection)),
        admin.get(page(shop.connection, "connection-edit")),
        admin.post(page(shop.connection, "connection-edit"), filled | {"url": "nothing"}),
    ]
    for answer in pages:
        body = answer.content.decode()
        assert "glpat" not in body
        assert Connection.objects.get().secrets["token"] not in body
    assert "set; nobody can read it" in text(pages[0])
    assert "Leave it empty to keep what is there." in text(pages[1])
    assert pages[2].status_code == 422


def test_an_empty_secret_keeps_what_is_there(shop, filled):
    address = page(shop.connection, "connection-edit")
    answer = as_(shop.admin).post(address, filled | {"token": "", "name": "renamed"}, follow=True)
    assert "Saved." in text(answer)
    found = Connection.objects.get()
    assert (found.name, unseal(found.secrets["token"])) == ("renamed", "glpat-secret")


def test_what_few_need_is_folded_until_it_says_something_or_is_wrong(who):
    admin, new = as_(who.admin), reverse("connection-new", args=[who.project.pk, "alertmanager"])
    folded, unfolded = '<details class="stack">', '<details class="stack" open>'
    assert folded in admin.get(new).content.decode()
    filled = {"name": "alerts", "url": "https://alerts.example", "label": "severity", "order": "a"}
    wrong = admin.post(new, {**filled, "label": "no label!"})
    assert unfolded in wrong.content.decode()
    assert admin.post(new, {**filled, "order": "page, ticket"}).status_code == 302
    edit = page(Connection.objects.get(), "connection-edit")
    assert unfolded in admin.get(edit).content.decode()


def test_the_tenant_of_a_shared_system_is_one_of_those(who):
    admin, new = as_(who.admin), reverse("connection-new", args=[who.project.pk, "prometheus"])
    main, aside = admin.get(new).content.decode().split('<details class="stack">')
    assert 'name="tenant"' not in main
    assert 'name="tenant"' in aside
    wrong = admin.post(new, {"name": "numbers", "tenant": "shop"})
    assert '<details class="stack" open>' in wrong.content.decode()


def test_what_the_service_refuses_stands_beside_its_field(who, filled, maintainer):
    new = reverse("connection-new", args=[who.project.pk, "forge"])
    answer = maintainer.post(new, filled)
    assert answer.status_code == 422
    assert "only for systems inside this network" in str(answer.context["form"].errors["url"])
    assert "private" not in answer.context["form"].fields
    assert not Connection.objects.exists()


def test_a_maintainer_keeps_private_what_an_administrator_made_so(shop, filled, maintainer):
    del filled["private"]
    address = page(shop.connection, "connection-edit")
    assert maintainer.post(address, filled | {"team": "red"}).status_code == 302
    found = Connection.objects.get()
    assert (found.private, found.settings["team"]) == (True, "red")


def test_pausing_and_archiving_ask_first(shop):
    admin = as_(shop.admin)
    assert "Pause our forge?" in text(admin.get(page(shop.connection, "connection-pause")))
    assert Connection.objects.get().paused_at is None
    assert "Paused" in text(admin.post(page(shop.connection, "connection-pause"), follow=True))
    assert "Resumed" in text(admin.post(page(shop.connection, "connection-resume"), follow=True))
    assert "deleted" in text(admin.get(page(shop.connection, "connection-archive")))
    admin.post(page(shop.connection, "connection-archive"))
    assert Connection.objects.get().archived_at is not None
    assert "Nothing is connected yet" in text(
        admin.get(reverse("connections", args=[shop.project.pk]))
    )


def test_organisation_wide_ones_are_for_administrators(who, connect, filled, maintainer):
    admin = as_(who.admin)
    new = reverse("organisation-connection-new", args=["forge"])
    assert "environment" not in admin.get(new).context["form"].fields
    assert admin.post(new, filled).status_code == 302
    found = Connection.objects.get()
    assert found.project is None
    assert "our forge" in text(admin.get(reverse("organisation-connections")))
    assert maintainer.get(page(found)).status_code == 403
    assert maintainer.post(page(found, "connection-archive")).status_code == 403


def test_every_kind_of_field_makes_a_form(who, monkeypatch):
    admin = as_(who.admin)
    for name in CONNECTED:
        new = reverse("connection-new", args=[who.project.pk, name])
        assert admin.get(new).status_code == 200
        assert admin.post(new, {"name": "x"}).status_code in {302, 422}


def test_a_kind_that_nobody_brings_any_more_is_shown_and_can_be_archived(shop, monkeypatch):
    monkeypatch.delitem(CONNECTED, "forge")
    admin = as_(shop.admin)
    assert "Its source is not installed" in text(admin.get(page(shop.connection)))
    assert admin.get(page(shop.connection, "connection-edit")).status_code == 404
    assert admin.post(page(shop.connection, "connection-archive")).status_code == 302


class TestSources:
    def read(self, who, by=None, **headers):
        address = reverse("project-sources", args=[who.project.pk])
        return as_(by or who.alice).get(address, headers=headers)

    def test_a_viewer_sees_how_each_source_does_and_who_waits(self, shop):
        ask(shop)
        answer = self.read(shop)
        shown = text(answer)
        assert "our forge Forge every environment Not asked yet 1 waits" in shown
        assert [row.waiting for row in answer.context["rows"]] == [1]  # git has nothing to read
        assert reverse("connection", args=[shop.connection.pk]) not in answer.content.decode()

    @pytest.mark.parametrize(
        ("answer", "words"),
        [
            ({"observed_at": now()}, "git every environment Works answered"),
            ({"error": "no such host"}, "git every environment Fails no such host"),
        ],
    )
    def test_git_tells_of_its_last_answer_when_nothing_waits_any_more(self, who, answer, words):
        Project.objects.update(repository="/played")
        who.token = authenticate_token(who.secret)
        request = ask(who)
        assert "git every environment Not asked yet 1 waits" in text(self.read(who))
        Reading.objects.update(**answer)
        withdraw = f"/requests/{request.id}/withdraw"
        run = {name: request.run[name] for name in ("id", "attempt")}
        assert call(who.secret, "post", withdraw, {"run": run}).status_code == 200
        shown = text(self.read(who))
        assert words in shown
        assert "0 wait" in shown

    def test_a_project_with_nothing_to_ask_says_so(self, who):
        assert "None: the project has no git repository and no connection." in text(self.read(who))

    def test_errors_breaker_and_limit_are_shown(self, shop):
        at = now()
        Connection.objects.update(
            failures=6, open_until=at + timedelta(minutes=2), last_error="its server answers 500",
            last_error_at=at, limit_left=12, limit_resets_at=at + timedelta(minutes=9),
        )  # fmt: skip
        shown = text(self.read(shop))
        assert "Not asked: it kept failing until" in shown
        assert "its server answers 500" in shown
        assert "12 left until" in shown

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"failures": 6, "open_until": -1}, "Being tried again"),
            ({"limited_until": 60}, "Asked us to wait"),
            ({"last_success_at": -60}, "Works"),
            ({"last_success_at": -60, "last_error_at": -1}, "Fails"),
            ({"last_success_at": -1, "last_error_at": -60}, "Works"),
        ],
    )
    def test_each_state_has_its_word(self, shop, fields, words):
        moments = {
            name: now() + timedelta(seconds=value) if name != "failures" else value
            for name, value in fields.items()
        }
        Connection.objects.update(**moments)
        assert words in text(self.read(shop))

    def test_a_paused_one_says_so(self, shop):
        pause_connection(by=shop.admin, connection=shop.connection)
        assert "every environment Paused" in text(self.read(shop))

    def test_it_reads_itself_again_in_part(self, shop):
        answer = self.read(shop, **{"HX-Request": "true"})
        assert "<html" not in answer.content.decode()
        assert "our forge" in text(answer)
        assert "HX-Request" in answer.headers["Vary"]

    def test_another_project_is_none_of_theirs(self, shop):
        assert self.read(shop, by=shop.mallory).status_code == 404

    def test_the_number_of_queries_does_not_grow_with_connections(
        self, shop, connect, django_assert_max_num_queries
    ):
        reader = as_(shop.admin)
        address = reverse("project-sources", args=[shop.project.pk])
        reader.get(address)
        for number in range(5):
            connect(shop, name=f"more {number}", environment=shop.staging)
        with django_assert_max_num_queries(14):
            reader.get(address)
