"""What the lists cost, and that the quick way to them shows what the plain condition says."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Exists, OuterRef
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from approvals.models import AwaitedGroup, Decision, Request
from approvals.queries import QueueFilters, listing, queue_page, queue_row, requests_page, sight_of
from approvals.queries import queue as queue_module
from approvals.queries.queue import BY_TIME_LEFT
from approvals.queries.visible import seen_with
from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.authentication import authenticate_token, issue_token
from portal.accounts.models import User
from portal.accounts.service_accounts import create_service_account
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup
from portal.directory.projects import create_project
from tests.factories import ask, company, decide, person, put_in_force

MOST_QUEUE = 12
MOST_CHROME = 6  # session, person, menu: every page has these
MOST_REQUEST = 20
MOST_LIST = 12

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.filterwarnings("ignore:No directory at"),  # static files are not collected here
]

MIGRATIONS = """\
policy: migrations
facts: v1
match: {projects: ["**"], environments: ["production"], actions: [migrate]}
rules: []
default: {require: {count: 1, from: [dba]}}
decide_within: 24h
valid_for: 1h
"""

THREE_VOTES = """\
policy: three
facts: v1
match: {projects: ["**"], environments: ["production"], actions: [deploy]}
rules: []
default: {require: {count: 3, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
"""


class World:
    """Two projects, two groups, requests in every state, and readers of every kind."""

    def __init__(self):
        self.who = who = company()
        admin = who.admin
        self.dba = create_group(by=admin, name="dba")
        names = ("nobody", "viewer", "narrow", "dba", "both", "auditor")
        self.readers = {name: person(admin, f"{name.title()} Reader") for name in names}
        for name in ("dba", "both"):
            add_member(by=admin, group=self.dba, person=self.readers[name])
        put_in_force(admin, who.deputy, MIGRATIONS)
        self.web, self.token = self.second_project()
        for name in ("viewer", "both"):
            grant_role(by=admin, to=self.readers[name], role="viewer", target=self.web)
        grant_role(by=admin, to=self.readers["narrow"], role="viewer", target=who.staging)
        grant_role(
            by=admin, to=self.readers["auditor"], role="auditor", target=Organisation.objects.get()
        )
        self.fill()

    def second_project(self):
        admin = self.who.admin
        web = create_project(by=admin, slug="web", name="Web")
        create_environment(by=admin, project=web, name="production", tier="production")
        account = create_service_account(by=admin, project=web, name="bot", owner=self.who.carol)
        _, secret = issue_token(by=admin, account=account, scopes=["request", "read"])
        return web, authenticate_token(secret)

    def fill(self):
        who = self.who
        for n in range(6):
            pending = ask(who, action="migrate" if n % 2 else "deploy")
            # One in three has no end yet, as while its facts are being read; two end together.
            ends = None if n % 3 == 0 else pending.created_at + timedelta(minutes=n // 2)
            Request.objects.filter(pk=pending.pk).update(decide_by=ends)
            ask(who, "staging")
        ask(who, "testing")
        decide(ask(who), who.alice, "reject", "Not now")
        decide(ask(who), who.alice)
        decide(ask(who, action="migrate"), who.alice)  # half approved
        who.token = self.token
        for n in range(5):
            ask(who, project="web", action="migrate" if n % 2 else "deploy")
        self.readers["alice"] = who.alice


@pytest.fixture
def world(db):
    return World()


def ids_of(page):
    return [row.request.id for row in page]


def walk(read, rows_of, filters):
    """Ids on all pages, following the cursors."""
    found = []
    while True:
        page = read(filters)
        found += ids_of(rows_of(page))
        if page.next_cursor is None:
            return found
        filters = QueueFilters(**{**vars(filters), "after": page.next_cursor})


def plain(someone, filters):
    """The same list as one condition over all requests."""
    sight = sight_of(someone)
    seen = Request.objects.filter(seen_with(sight)).filter(filters.condition())
    waiting = seen.filter(status__in=["submitted", "pending"]).order_by(*BY_TIME_LEFT)
    if filters.tab == "all":
        return list(waiting.values_list("pk", flat=True))
    if filters.tab == "you":
        asked = AwaitedGroup.objects.filter(request=OuterRef("pk"), group__in=list(sight.groups))
        return list(waiting.filter(Exists(asked)).values_list("pk", flat=True))
    mine = Decision.objects.filter(request=OuterRef("pk"), person=someone)
    decided = seen.filter(status__in=["approved", "redeemed", "rejected", "denied"])
    either = decided | seen.filter(Exists(mine))
    return list(either.order_by("-id").values_list("pk", flat=True))


FILTERS = [
    {},
    {"project": "web"},
    {"environment": "production", "action": "migrate"},
    {"asked": "deploy-bot"},
    {"project": "none"},
]


def test_every_reader_gets_the_rows_and_the_order_of_the_plain_condition(world, monkeypatch):
    monkeypatch.setattr(queue_module, "PAGE", 2)
    seen = set()
    for name, reader in world.readers.items():
        for tab in ("you", "all", "decided"):
            for narrow in FILTERS:
                filters = QueueFilters(tab=tab, **narrow)
                found = walk(
                    lambda f, reader=reader: queue_page(reader, f),
                    lambda page: [row for group in page.groups for row in group.rows],
                    filters,
                )
                wanted = plain(reader, filters)
                assert sorted(found) == sorted(wanted), (name, filters)
                assert len(found) == len(set(found)), (name, filters)
                seen.add((name, tab, bool(wanted)))
    assert ("nobody", "all", True) not in seen
    assert {("dba", "you", True), ("narrow", "decided", True), ("viewer", "all", True)} <= seen


def test_pages_follow_each_other_in_the_order_of_the_time_left(world, monkeypatch):
    monkeypatch.setattr(queue_module, "PAGE", 1)
    for name in ("both", "auditor", "alice"):
        reader, filters = world.readers[name], QueueFilters(tab="all")
        found = walk(
            lambda f, reader=reader: queue_page(reader, f),
            lambda page: [row for group in page.groups for row in group.rows],
            filters,
        )
        assert found == plain(reader, filters)


def test_counts_are_those_of_the_plain_condition(world):
    for name, reader in world.readers.items():
        counts = queue_page(reader, QueueFilters()).counts
        wanted = {tab: len(plain(reader, QueueFilters(tab=tab))) for tab in counts}
        assert {tab: count.value for tab, count in counts.items()} == wanted, name


def test_the_list_of_requests_is_that_of_the_plain_condition(world, monkeypatch):
    monkeypatch.setattr(listing, "PAGE", 3)
    for name, reader in world.readers.items():
        for narrow in [*FILTERS, {"status": "approved"}]:
            filters = QueueFilters(**narrow)
            found = walk(
                lambda f, reader=reader: requests_page(reader, f), lambda page: page.rows, filters
            )
            seen = Request.objects.filter(seen_with(sight_of(reader))).filter(filters.condition())
            assert found == list(seen.order_by("-id").values_list("pk", flat=True)), (name, filters)


def test_a_group_s_queue_follows_the_request(who):
    request = ask(who)
    asked = AwaitedGroup.objects.get(request=request)
    assert (asked.waiting, asked.decide_by) == (True, request.decide_by)
    sooner = request.decide_by - timedelta(hours=1)
    Request.objects.filter(pk=request.pk).update(decide_by=sooner)
    asked.refresh_from_db()
    assert asked.decide_by == sooner
    decide(request, who.alice, "reject", "No")
    asked.refresh_from_db()
    assert not asked.waiting


def queries_of(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


@pytest.fixture
def alice(who):
    """Signed in, and with her first page behind her."""
    client = Client()
    client.force_login(who.alice)
    client.get(reverse("queue"))
    return client


def fill(who, count):
    """Pending requests, every other one with a vote."""
    for n in range(count):
        request = ask(who)
        if n % 2:
            decide(request, who.bob, "reject", "No")


@pytest.mark.parametrize("address", ["/", "/?tab=all", "/?tab=decided"])
def test_the_queue_costs_the_same_for_one_row_and_for_fifty(who, alice, address):
    fill(who, 2)
    few = queries_of(alice, address)
    fill(who, 48)
    many = queries_of(alice, address)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST_QUEUE + MOST_CHROME, "\n".join(many)


def test_the_queue_s_own_queries_are_twelve_at_most(world):
    for name, reader in world.readers.items():
        for tab in ("you", "all", "decided"):
            with CaptureQueriesContext(connection) as captured:
                queue_page(reader, QueueFilters(tab=tab))
            statements = [query["sql"] for query in captured.captured_queries]
            assert len(statements) <= MOST_QUEUE, (name, tab, "\n".join(statements))


def test_the_list_of_requests_costs_the_same_for_one_row_and_for_fifty(who, alice):
    fill(who, 2)
    address = reverse("requests")
    few = queries_of(alice, address)
    fill(who, 48)
    many = queries_of(alice, address)
    assert len(many) == len(few), "\n".join(many)
    assert len(many) <= MOST_LIST + MOST_CHROME, "\n".join(many)


def test_a_row_read_again_costs_no_more_than_the_page(who, alice):
    fill(who, 3)
    row = reverse("queue-row", args=[Request.objects.filter(status="pending").first().pk])
    for tab in ("you", "all"):
        assert len(queries_of(alice, f"{row}?tab={tab}")) <= MOST_QUEUE + MOST_CHROME


def test_a_vote_brings_a_row_that_still_waits_to_what_was_decided_today(world):
    request = Request.objects.get(status="pending", decisions__person=world.who.alice)
    for name, found in (("alice", True), ("auditor", False)):
        row = queue_row(world.readers[name], request.pk, QueueFilters(tab="decided"))
        assert (row is not None) is found


def test_a_request_page_costs_the_same_with_one_vote_and_with_two(who, alice):
    put_in_force(who.admin, who.deputy, THREE_VOTES)
    group = ApproverGroup.objects.get(name="team-leads")
    add_member(by=who.admin, group=group, person=person(who.admin, "Cleo Lead"))
    request = ask(who)
    decide(request, who.bob)
    one = queries_of(alice, request.get_absolute_url())
    decide(request, User.objects.get(username="cleo"))
    two = queries_of(alice, request.get_absolute_url())
    assert len(two) == len(one), "\n".join(two)
    assert len(two) <= MOST_REQUEST + MOST_CHROME, "\n".join(two)
