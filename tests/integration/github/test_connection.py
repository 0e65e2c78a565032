"""The connection to GitHub: credentials, settings, what its test says, failures of the server."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from approvals.connections.check import check_connection
from approvals.context.registry import CONNECTED
from approvals.context.sources.git import GitSource
from approvals.context.sources.github import api
from approvals.models import Connection, KeptAnswer
from portal.kernel.clock import now
from portal.kernel.errors import Invalid
from tests.github import NUMBER, TOKEN
from tests.integration.github.conftest import APP, pem
from tests.remote import Says

pytestmark = pytest.mark.django_db


def tokens_asked(hub):
    return [asked for asked in hub.asked if "/access_tokens" in asked[1]]


class TestApp:
    def test_it_shows_who_it_is_and_gets_a_token_for_this_repository_alone(
        self, shop, hub, app, facts
    ):
        row = app()
        assert facts(shop.new, shop.old, row=row)["git.exists"] is True
        (asked,) = tokens_asked(hub)
        assert asked[3] == b'{"repository_ids":[1296269]}'
        assert {a[2]["authorization"] for a in hub.asked if a is not asked} == {"Bearer ghs_0"}

    def test_the_token_is_used_again(self, shop, hub, app, facts):
        row = app()
        for _ in range(2):
            facts(shop.new, shop.old, row=row, fresh=True)
        assert len(tokens_asked(hub)) == 1

    def test_one_that_ends_soon_is_not(self, shop, hub, app, facts):
        hub.lasts = timedelta(minutes=4)
        facts(shop.new, shop.old, row=app())
        assert len(tokens_asked(hub)) == hub.count() / 2

    def test_a_token_that_was_revoked_is_not_used_again(self, shop, hub, app, answer):
        row = app()
        assert answer(shop.new, row=row).error == ""
        hub.apps_tokens.clear()
        assert "refuses the credentials" in answer(shop.new, row=row, fresh=True).error
        assert answer(shop.new, row=row, fresh=True).error == ""

    def test_it_is_kept_nowhere(self, shop, hub, app, answer, caplog):
        row = app()
        caplog.set_level("DEBUG")
        answer(shop.new, row=row)
        assert api._installations._tokens
        assert "ghs_0" not in repr(api._installations._tokens) + caplog.text
        assert not KeptAnswer.objects.filter(body__contains=b"ghs_0")
        row.refresh_from_db()
        assert "BEGIN" not in str((row.secrets, row.settings, row.last_error))

    def test_d1_an_app_that_is_not_installed_there_reads_nothing(self, shop, hub, app, answer):
        said = answer(shop.new, row=app(repository="7"))
        assert "not installed on this repository" in said.error

    def test_an_installation_that_is_gone(self, shop, hub, app, answer):
        assert "no such installation" in answer(shop.new, row=app(installation="12")).error

    @pytest.mark.parametrize(
        "secret",
        ["-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n", "ssh-rsa AAAA"],
    )
    def test_a_key_that_is_none(self, shop, hub, app, answer, secret):
        assert "no RSA key in PEM form" in answer(shop.new, row=app(secret)).error

    def test_a_key_of_another_kind(self, shop, hub, app, answer):
        other = pem(ec.generate_private_key(ec.SECP256R1()))
        assert "no RSA key in PEM form" in answer(shop.new, row=app(other)).error


class TestRepository:
    def test_d1_by_a_name_nothing_is_read(self, shop, hub, connect, answer):
        row = connect(repository="acme/shop")
        assert "test the connection to learn the number" in answer(shop.new, row=row).error
        assert hub.count() == 0

    def test_d1_testing_the_connection_tells_the_number(self, admin, shop, hub, connect):
        found = check_connection(by=admin, connection=connect(repository="acme/shop"))
        assert not found.works
        assert f"acme/shop is repository {NUMBER}: enter that number" in found.sentence

    def test_d1_every_question_goes_to_the_number(self, shop, hub, facts):
        facts(shop.new, shop.old)
        assert all(path.startswith(f"/repositories/{NUMBER}/") for _, path, _, _ in hub.asked)

    def test_d1_what_is_said_of_another_number_is_not_taken(self, admin, shop, hub, connect):
        hub.refuses.append((f"/repositories/{NUMBER}$", Says({"id": 7, "full_name": "acme/shop"})))
        found = check_connection(by=admin, connection=connect())
        assert (found.works, "another repository" in found.sentence) == (False, True)

    def test_a_repository_that_is_not_shown(self, admin, shop, hub, connect, answer):
        row = connect(repository="7")
        assert "GitHub has no repository 7, or" in answer(shop.new, row=row).error
        assert (
            "GitHub has no repository 7, or" in check_connection(by=admin, connection=row).sentence
        )


class TestCheck:
    def test_it_says_what_it_finds(self, admin, shop, hub, connect):
        found = check_connection(by=admin, connection=connect())
        assert found.sentence == (
            f"It finds acme/shop, repository {NUMBER}, and sees everything that it is to tell."
        )

    def test_it_says_what_the_token_may_not_see(self, admin, shop, hub, connect, answer):
        row = connect()
        hub.refuses.append(("/(check-runs|deployments)", Says({"message": "Resource"}, 403)))
        found = check_connection(by=admin, connection=row)
        assert not found.works
        assert "does not show checks, deployments to these credentials" in found.sentence
        assert "does not show" in answer(shop.new, row=row).error

    def test_what_is_left_out_is_not_asked_for(self, admin, shop, hub, connect, facts):
        row = connect(facts="git.author_ids git.exists ci.state pr")
        hub.refuses.append(("/deployments", Says({"message": "Resource"}, 403)))
        assert check_connection(by=admin, connection=row).works
        said = facts(shop.new, shop.old, row=row)
        assert said["git.author_ids"] == ("github:11",)
        assert {name.partition(".")[0] for name in said} == {"git", "ci", "pr"}
        assert "git.paths" not in said

    def test_the_mirror_may_tell_of_the_change(self, shop, hub, connect, facts):
        rest = "git.author_ids git.committer_ids git.branch_protected git.url git.message"
        said = facts(shop.new, shop.old, row=connect(facts=f"{rest} ci pr deployment"))
        assert not set(said) & set(GitSource.gives)
        assert said["git.author_ids"] == ("github:11",)

    def test_only_deployments_ask_for_nothing_else(self, shop, hub, connect, facts):
        facts(shop.new, shop.old, row=connect(facts="deployment"))
        assert [path.partition("?")[0] for _, path, _, _ in hub.asked] == [
            f"/repositories/{NUMBER}/deployments"
        ]


@pytest.mark.parametrize(
    ("settings", "field", "words"),
    [
        ({"repository": ""}, "repository", "required"),
        ({"repository": "acme"}, "repository", "owner/name"),
        ({"repository": "acme/.."}, "repository", "owner/name"),
        ({"repository": "acme/shop/../x"}, "repository", "owner/name"),
        ({"repository": "0"}, "repository", "owner/name"),
        ({"repository": "-1"}, "repository", "owner/name"),
        ({"app": "7"}, "installation", "belong together"),
        ({"installation": "7"}, "app", "belong together"),
        ({**APP, "installation": "7/../8"}, "installation", "number"),
        ({**APP, "app": "a b"}, "app", "no client id"),
        ({"facts": "git ci metrics"}, "facts", "“metrics”"),
        ({"facts": "request.tier"}, "facts", "“request.tier”"),
        ({"facts": ""}, "facts", "required"),
        ({"url": "ftp://x.example"}, "url", "https://"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(connect, settings, field, words):
    with pytest.raises(Invalid) as refusal:
        connect(**settings)
    assert refusal.value.extra["errors"][0]["field"] == field
    assert words in refusal.value.sentence


@pytest.mark.parametrize("settings", [{}, APP])
def test_without_credentials_nothing_is_asked(shop, hub, connect, answer, settings):
    assert "enter a token, or App" in answer(shop.new, row=connect({}, **settings)).error
    assert hub.count() == 0


def test_a_token_is_not_used_in_place_of_an_app(shop, hub, connect, answer):
    assert "enter a token, or App" in answer(shop.new, row=connect({"token": TOKEN}, **APP)).error


def test_what_the_form_says_is_complete():
    fields = {field.name: field for field in CONNECTED["github"].fields}
    assert fields["url"].default == "https://api.github.com"
    assert all(field.help for field in fields.values())
    assert fields["private_key"].multiline


SOON = str(int((now() + timedelta(minutes=5)).timestamp()))


@pytest.mark.parametrize(
    ("path", "says", "words"),
    [
        ("/commits/", Says({}, 500), "answers 500"),
        ("/check-runs", Says({}, 502), "answers 502"),
        ("/pulls", Says({}, 503), "answers 503"),
        ("/status$", Says({}, 401), "refuses the credentials"),
        ("/compare/", Says({"total_commits": 1}, broken=True), "breaks off"),
        ("/branches/", Says(b"<p>sorry"), "no JSON"),
        ("/branches/", Says({}), "has no name"),
        ("/branches/", Says({"name": "main", "commit": {"sha": 7}}), "has no commit.sha"),
        ("/compare/", Says([]), "as it should"),
        ("/commits/", Says({"sha": "2" * 40}), "another commit"),
        ("/check-runs", Says({"check_runs": {}}), "has no check_runs"),
        ("/check-runs", Says({"check_runs": [{}] * 101}), "more on a page"),
        ("/status$", Says({"statuses": [{"context": "a", "state": None}]}), "total_count"),
        ("/pulls", Says({"number": 1}), "as it should"),
        ("/deployments$", Says([{"id": 1, "created_at": "yesterday"}]), "no time in created_at"),
        ("/commits/", Says({}, 301, {"Location": "http://127.0.0.1/"}), "redirect"),
        (
            "/pulls",
            Says({}, 403, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON}),
            "no more questions before",
        ),
        ("/pulls", Says({}, 403, {"Retry-After": "60"}), "no more questions before"),
        ("/pulls", Says({}, 429), "no more questions before"),
    ],
)
def test_a_failure_is_unknown_with_its_reason(shop, hub, answer, path, says, words):
    hub.refuses.append((path, says))
    said = answer(shop.new, shop.old)
    assert words in said.error
    assert {state.kind for state in said.states.values()} == {"unavailable"}


def test_after_a_limit_nothing_is_asked_until_it_is_over(shop, hub, answer):
    limit = {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": SOON}
    hub.refuses.append(("/commits/", Says({}, 403, limit)))
    answer(shop.new, shop.old)
    asked, hub.refuses[:] = hub.count(), []
    assert "no more questions before" in answer(shop.new, shop.old).error
    assert hub.count() == asked
    Connection.objects.update(limited_until=None)
    assert answer(shop.new, shop.old).error == ""


def test_one_commit_is_asked_about_once_and_revalidated_at_redeem(shop, hub, facts):
    first = facts(shop.new, shop.old)
    asked = hub.count()
    assert facts(shop.new, shop.old) == first
    assert hub.count() == asked
    facts(shop.new, shop.old, fresh=True)
    again = hub.asked[asked:]
    assert all("if-none-match" in headers for _, _, headers, _ in again)
    assert not [path for _, path, _, _ in again if "/compare/" in path]  # it never changes


def test_nothing_but_its_server_may_be_asked(connect):
    row = connect()
    assert row.hosts == [row.settings["url"].removeprefix("http://")]
