"""Who touched a change, by accounts at the forge: nobody of them decides, and an author who is
nobody here costs one approval more."""

import pytest

from approvals.audit.erasable import of_person
from approvals.connections.configure import create_connection
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.redeem import Drift
from approvals.models import Connection, KeptAnswer, Reading, Verdict
from approvals.permissions import why_not
from policies.language.evaluate import evaluate
from policies.language.facts import Facts
from policies.queries import pinned_policies
from portal.accounts.forge_accounts import AtForge, link_by_hand, unlink
from portal.accounts.models import ForgeAccount
from portal.directory.groups import add_member
from portal.directory.models import ApproverGroup
from portal.kernel.canonical import canonical
from portal.kernel.clock import now
from portal.ledger.models import Entry
from tests.factories import ask, decide, person, redeem
from tests.github import NUMBER, TOKEN
from tests.integration.pages import as_
from tests.remote import Says

pytestmark = pytest.mark.django_db

BOT = 99


@pytest.fixture
def eve(who):
    """A third lead, so that one approval more can be given."""
    found = person(who.admin, "Eve Lead")
    add_member(by=who.admin, group=ApproverGroup.objects.get(), person=found)
    return found


@pytest.fixture
def asked(who, hub, shop, eve):
    """A request whose commits a connection reads: they are Dev's, account 31, and Ana's, 11."""
    hub.people["dev@example.com"] = 31
    create_connection(
        by=who.admin,
        kind="github",
        name="our github",
        project=who.project,
        settings={"url": hub.url, "repository": str(NUMBER)},
        secrets={"token": TOKEN},
        private=True,
    )

    def act(commit=shop.new, **fields):
        return read(ask(who, subject={"commit": commit}, **fields))

    return act


@pytest.fixture
def link(who, hub):
    """Link an account there to somebody, by hand."""

    def act(number, one):
        account = AtForge("github", hub.url, number, f"user{number}")
        return link_by_hand(by=who.admin, person=one, account=account, reason="Seen in person")

    return act


@pytest.fixture
def authors(who, link):
    """Both authors are known, and neither of them is a lead."""
    return link(31, who.carol), link(11, who.mallory)


def read(request):
    """A worker reads what is due."""
    Reading.objects.filter(request=request).update(next_try=now())
    for request_id, key in due_readings():
        read_source(request_id, key)
    request.refresh_from_db()
    return request


def counts(request):
    return [row["count"] for row in request.verdict.body["obligations"]]


def test_known_authors_cost_nothing(asked, authors):
    request = asked()
    assert counts(request) == [1]
    assert "extra" not in request.verdict.body
    assert request.snapshot.facts["authors.unknown"]["value"] == 0


def test_an_author_with_an_address_of_somebody_here_is_known(who, asked):
    """The forge says whose account has the address; the commit alone would not do."""
    for name in ("Dev Author", "Ana Author"):
        person(who.admin, name)
    assert counts(asked()) == [1]


@pytest.mark.django_db(transaction=True)  # redeem asks in threads
def test_a4_an_unknown_author_costs_one_approval_more(who, asked, link):
    link(31, who.carol)
    request = asked()
    sentence = "1 author of the change is linked to nobody here"
    assert counts(request) == [2]
    assert request.verdict.body["extra"]["approvals"] == 1
    assert request.verdict.body["extra"]["sentence"].startswith(sentence)
    entry = Entry.objects.filter(request=request.id, type="verdict.given").latest("id")
    assert sentence in bytes(entry.payload).decode()
    page = as_(who.bob).get(f"/requests/{request.id}").content.decode()
    assert sentence in page
    assert "github:11 ana@example.com" in page
    assert decide(request, who.alice).status == "pending"
    assert decide(request, who.bob).status == "approved"
    assert redeem(who, request).status == "issued"


def test_a4_a_forged_address_makes_nobody_known(who, hub, shop, asked, authors):
    """The address is of somebody here, but of no account: the forge does not vouch for it."""
    tip = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL=who.deputy.email)
    request = asked(tip)
    assert counts(request) == [2]
    assert f"- {who.deputy.email}" in request.snapshot.facts["git.author_accounts"]["value"]


def test_a_verdict_with_one_more_gives_identical_bytes_again(asked):
    stored = Verdict.objects.get(pk=asked().verdict_id)
    facts = Facts.from_json(stored.snapshot.facts)
    again = evaluate(pinned_policies(stored.request.pinned), facts).to_json()
    assert canonical(again) == canonical(stored.body)


def test_linking_an_author_takes_the_extra_approval_away_at_the_next_reading(asked, link, who):
    link(31, who.carol)
    request = asked()
    link(11, who.mallory)
    assert counts(read(request)) == [1]


@pytest.mark.django_db(transaction=True)  # redeem asks in threads
def test_an_author_who_becomes_unknown_after_the_approval_is_drift(who, asked, authors):
    request = decide(asked(), who.alice)
    unlink(by=who.admin, account=authors[0])
    with pytest.raises(Drift, match="policy changed"):
        redeem(who, request)


@pytest.mark.parametrize(
    ("role", "how"),
    [
        ("author", "wrote part of the change"),
        ("committer", "committed part of the change"),
        ("opener", "opened the pull request"),
        ("pusher", "pushed or started the run"),
        ("starter", "pushed or started the run"),
    ],
)
def test_a3_no_account_at_the_forge_that_touched_it_decides(
    who, hub, shop, asked, authors, link, role, how
):
    """Whatever the commits and the pipeline say of names and addresses."""
    link(BOT, who.alice)
    tip, fields = shop.new, {"run": {"id": "812", "attempt": 1, "system": "github"}}
    if role in {"author", "committer"}:
        hub.people["bot@ci.example"] = BOT
        tip = shop.commit({"a": b"1"}, **{f"GIT_{role.upper()}_EMAIL": "bot@ci.example"})
    if role == "opener":
        hub.pull(tip, author=BOT)
    who_ran = {
        "pushed": BOT if role == "pusher" else 11,
        "started": BOT if role == "starter" else 11,
    }
    hub.action(812, tip, **who_ran)
    request = asked(tip, **fields)
    refusal = why_not(who.alice, "decide", request)
    assert (refusal.code, refusal.status) == ("own-change", 403)
    assert f"your account at the forge {how}" in refusal.sentence
    assert [one for one, _how in request.forge_touchers if one == str(who.alice.pk)]  # for lists
    assert how in as_(who.alice).get(f"/requests/{request.id}").content.decode()
    assert why_not(who.bob, "decide", request) is None


def test_a3_a_link_bars_at_once_and_not_only_at_the_next_reading(who, hub, shop, asked, link):
    hub.pull(shop.new, author=BOT)
    request = asked()
    assert why_not(who.alice, "decide", request) is None
    link(BOT, who.alice)
    assert why_not(who.alice, "decide", request).code == "own-change"


@pytest.mark.parametrize("then", ["another opens it", "the forge is silent"])
def test_a3_who_touched_it_once_is_not_freed_by_what_the_forge_says_later(
    who, hub, shop, asked, authors, link, then
):
    pull, account = hub.pull(shop.new, author=BOT), link(BOT, who.alice)
    request = asked()
    if then == "another opens it":
        pull["row"]["state"] = "closed"
        hub.pull(shop.new, author=12)
    else:
        hub.refuses.append(("", Says({}, 500)))
        Reading.objects.update(attempts=9)
    KeptAnswer.objects.all().delete()
    read(request)
    assert request.snapshot.facts["pr.author"].get("value") != f"github:{BOT}"
    assert why_not(who.alice, "decide", request).code == "own-change"
    unlink(by=who.admin, account=account)
    refusal = why_not(who.alice, "decide", request)
    assert refusal is None or refusal.code != "own-change"


def test_a_run_of_another_commit_says_nothing(who, hub, shop, asked, authors, link):
    link(BOT, who.alice)
    hub.action(812, shop.old, pushed=BOT)
    request = asked(run={"id": "812", "attempt": 1, "system": "github"})
    assert request.snapshot.facts["ci.started_by"]["unknown"] == "absent"
    assert why_not(who.alice, "decide", request) is None


def test_the_same_number_at_another_forge_is_somebody_else(who, asked, authors):
    elsewhere = AtForge("github", "github.com", BOT, "bot")
    link_by_hand(by=who.admin, person=who.alice, account=elsewhere, reason="Seen in person")
    assert ForgeAccount.objects.filter(number=BOT).count() == 1
    assert why_not(who.alice, "decide", asked()) is None


def test_without_a_connection_nobody_is_asked_more(who):
    assert not Connection.objects.exists()
    request = ask(who)
    assert counts(request) == [1]
    assert "authors.unknown" not in request.snapshot.facts


def test_erasing_a_person_finds_the_facts_with_their_account(who, hub, shop, asked, link):
    hub.pull(shop.new, author=BOT)
    request, other = asked(), ask(who)
    link(BOT, who.alice)
    link(BOT // 10, who.bob)  # a number that begins alike
    assert request.snapshot_id in of_person(who.alice).snapshots
    assert request.snapshot_id not in of_person(who.bob).snapshots
    assert other.snapshot_id not in of_person(who.alice).snapshots
