"""Pages of trusted workloads, and the one that tests a token."""

import pytest
from django.urls import reverse

from portal.access import grant_role
from portal.accounts.models import ProjectToken
from portal.accounts.trusts.models import Trust
from portal.ledger.models import Entry
from tests import workloads
from tests.integration.pages import as_, text
from tests.workloads import exchange, github, signed, trust

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]


@pytest.fixture
def maintainer(who):
    grant_role(by=who.admin, to=who.carol, role="maintainer", target=who.project)
    return as_(who.carol)


def page(who, name, *more):
    return reverse(name, args=[who.project.pk, *more])


def filled(who, **changed):
    return {
        "name": "Deployments",
        "account": who.account.pk,
        "issuer": "https://token.actions.githubusercontent.com",
        "source": workloads.REPOSITORY,
        "refs": "refs/heads/main\r\nrefs/tags/v*\r\n",
        "events": "push\nworkflow_dispatch",
        "workflow": ".github/workflows/deploy.yml",
        "claims": "runner_environment = github-hosted",
        "environments": [who.staging.pk],
        "algorithm": "RS256",
        **changed,
    }


def test_a_maintainer_trusts_workloads(who, maintainer):
    assert "GitHub Actions" in text(maintainer.get(page(who, "trust-presets")))
    form = text(maintainer.get(page(who, "trust-new", "github")))
    assert workloads.AUDIENCE in form
    assert "protected there" in form
    answer = maintainer.post(page(who, "trust-new", "github"), filled(who))
    made = Trust.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, page(who, "trust", made.pk))
    assert (made.refs, made.events) == (
        ["refs/heads/main", "refs/tags/v*"],
        ["push", "workflow_dispatch"],
    )
    assert made.claims == {"runner_environment": "github-hosted"}
    assert made.keys_url == "https://token.actions.githubusercontent.com/.well-known/jwks"
    assert list(made.environments.all()) == [who.staging]
    assert b"runner_environment" in bytes(Entry.objects.get(type="trust.created").payload)
    shown = text(maintainer.get(page(who, "trust", made.pk)))
    for words in (workloads.REPOSITORY, "refs/tags/v*", "deploy-bot", "staging", "none yet"):
        assert words in shown
    assert "Deployments" in text(maintainer.get(page(who, "trusts")))


@pytest.mark.parametrize(
    ("preset", "changed", "words"),
    [
        ("github", {"source": "octo/shop"}, "a number, or a UUID"),
        ("github", {"refs": "main"}, "full names"),
        ("github", {"refs": "refs/pull/1/merge"}, "full names"),
        ("github", {"refs": "refs/heads/*/*"}, "full names"),
        ("github", {"events": "pull_request_target"}, "never accepted"),
        ("github", {"events": "Push it"}, "names of events"),
        ("github", {"claims": "sub = x"}, "put together from names"),
        ("github", {"claims": "no equality"}, "one claim a line"),
        ("github", {"issuer": "http://token.example"}, "https://"),
        ("github", {"keys_url": "https://user:pass@keys.example/"}, "user name"),
        ("gitlab", {"events": "merge_request_event"}, "never accepted"),
        ("kubernetes", {"source": "default"}, "a number, or a UUID"),
        ("any", {"claims": "", "run_claim": "run"}, "This field is required"),
        ("any", {"run_claim": "a b", "keys_url": "https://k.example/"}, "another for every run"),
    ],
)
def test_what_would_bind_nothing_is_refused_beside_its_field(
    who, maintainer, preset, changed, words
):
    answer = maintainer.post(page(who, "trust-new", preset), filled(who, **changed))
    assert answer.status_code == 422
    assert words in text(answer)
    assert not Trust.objects.exists()


def test_only_administrators_are_offered_what_is_inside_the_network(who, maintainer):
    new = page(who, "trust-new", "gitlab")
    assert 'name="private"' not in maintainer.get(new).content.decode()
    assert 'name="private"' in as_(who.admin).get(new).content.decode()
    maintainer.post(new, filled(who, private="on", workflow="", issuer="https://gitlab.com"))
    assert Trust.objects.get().private is False


def test_a_change_is_another_trust_in_its_place(who, maintainer):
    old = trust(who)
    exchange(signed(github()))
    edit = page(who, "trust-edit", old.pk)
    assert workloads.REPOSITORY in maintainer.get(edit).content.decode()
    again = maintainer.post(edit, filled(who, name=old.name, refs="nothing"))
    assert again.status_code == 422
    old.refresh_from_db()
    assert old.archived_at is None
    assert maintainer.post(edit, filled(who, name=old.name)).status_code == 302
    old.refresh_from_db()
    new = Trust.objects.get(archived_at=None)
    assert old.archived_at
    assert (new.name, new.created_by) == (old.name, who.carol)
    assert ProjectToken.objects.get(trust=old).revoked_at
    assert maintainer.post(edit, filled(who, name="third")).status_code == 422


def test_archiving_is_asked_first(who, maintainer):
    made = trust(who)
    address = page(who, "trust-archive", made.pk)
    assert "cannot be undone" in text(maintainer.get(address))
    made.refresh_from_db()
    assert made.archived_at is None
    assert maintainer.post(address).status_code == 302
    made.refresh_from_db()
    assert made.archived_at
    assert "Archived" in text(maintainer.get(page(who, "trusts")))


def test_the_test_page_says_which_trust_accepts_a_token(who, maintainer):
    trust(who, name="tags", refs=["refs/tags/v*"])
    trust(who, name="main")
    trust(who, "gitlab")
    token = signed(github())
    answer = maintainer.post(page(who, "trust-try"), {"token": f"  {token}\n"})
    shown = text(answer)
    assert shown.count("Not accepted") == 2
    assert "another issuer" in shown
    assert "refs/tags/v*" in shown, "what was wanted, beside what the token says"
    assert "fails" in shown
    assert "no-store" in answer["Cache-Control"]
    assert token not in answer.content.decode()
    assert exchange(token).status_code == 200, "it was not used up"
    assert "used already" in text(maintainer.post(page(who, "trust-try"), {"token": token}))


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("garbage", "no workload identity token"),
        (signed(github(aud="x")), "audience"),
        (signed(github(), kid="two"), "does not list"),
    ],
)
def test_the_test_page_says_why_a_token_proves_nothing(who, maintainer, token, words):
    made = trust(who)
    Trust.objects.update(keys_tried_at=made.keys_read_at)
    answer = maintainer.post(page(who, "trust-try"), {"token": token})
    assert words in text(answer)
    assert "holds" not in text(answer)


def test_a_token_whose_time_is_over_can_be_tested_and_only_that(who, maintainer):
    trust(who)
    token = signed(github(exp=1_700_000_000))
    shown = text(maintainer.post(page(who, "trust-try"), {"token": token}))
    assert "its time is over" in shown
    assert "refs/heads/main" in shown
    assert exchange(token).status_code == 401
    bad = signed(github(exp=1_700_000_000, ref="refs/heads/x"))
    assert "Not accepted" in text(maintainer.post(page(who, "trust-try"), {"token": bad}))


def test_a_tested_token_is_neither_stored_nor_logged(who, maintainer, caplog, capfd):
    trust(who)
    token = signed(github(ref="refs/heads/other"))
    before = Entry.objects.count()
    maintainer.post(page(who, "trust-try"), {"token": token})
    assert exchange(token).status_code == 401
    assert Entry.objects.count() == before
    said = caplog.text + "".join(capfd.readouterr())
    assert not any(part in said for part in token.split("."))
    assert not ProjectToken.objects.filter(trust__isnull=False).exists()


def test_without_trusts_the_test_page_says_so(who, maintainer):
    assert "trusts no workloads" in text(
        maintainer.post(page(who, "trust-try"), {"token": signed(github())})
    )
