"""Deciding on somebody's behalf: who may, what counts, what every record says."""

import base64
import json
from datetime import timedelta

import orjson
import pytest

from approvals.lifecycle.departures import look_at_departures
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.permissions import why_not
from approvals.queries import queue_page, request_page
from approvals.queries.filters import QueueFilters
from portal.access import grant_role
from portal.accounts.people import deactivate_person
from portal.directory.delegations import create_delegation, end_delegation
from portal.directory.groups import add_member, create_group, remove_member
from portal.directory.models import ApproverGroup, Delegation
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden, NotFound
from portal.ledger.models import Entry
from tests.factories import STAGING_AUTO, ask, company, decide, person, put_in_force, redeem
from tests.integration.pages import as_, text

TWO = STAGING_AUTO.replace(
    "require: {count: 1, from: [team-leads]}\ndefault",
    "require: {count: 2, from: [team-leads]}\ndefault",
)


def lend(who, delegator, delegate, **fields):
    """A delegation in the group of the leads that began a moment ago."""
    start = now() - timedelta(minutes=1)
    delegation = create_delegation(
        by=who.admin,
        group=ApproverGroup.objects.get(name="team-leads"),
        delegator=delegator,
        delegate=delegate,
        starts_at=start,
        ends_at=start + timedelta(days=7),
        reason="Holiday",
    )
    Delegation.objects.filter(pk=delegation.pk).update(**fields)
    delegation.refresh_from_db()
    return delegation


def leave(who, member):
    remove_member(by=who.admin, group=ApproverGroup.objects.get(name="team-leads"), person=member)


def refuses(request, by, code, outcome="approve"):
    with pytest.raises(Exception) as refusal:
        decide(request, by, outcome)
    assert refusal.value.code == code


@pytest.fixture
def two(db):
    return company(TWO)


def test_a_delegate_decides_and_every_record_says_on_whose_behalf(who):
    ensure_signing_key()
    with pytest.raises(NotFound):
        decide(ask(who), who.mallory)
    delegation = lend(who, who.alice, who.mallory)
    request = decide(ask(who), who.mallory)
    assert request.status == "approved"
    entry = Entry.objects.get(request=request.pk, type="decision.recorded")
    said = orjson.loads(bytes(entry.payload))
    assert said["actor"]["ref"] == str(who.mallory.actor_ref)
    assert said["decision"]["on_behalf_of"] == str(who.alice.actor_ref)
    assert said["decision"]["delegation"] == str(delegation.pk)
    line = request_page(who.carol, request.id).decisions[0]
    assert (line.person, line.behalf, line.counts) == ("Mallory Outside", "Alice Lead", True)
    permit = redeem(who, request)
    statement = json.loads(base64.b64decode(permit.receipt["payload"]))
    (approver,) = statement["predicate"]["approvers"]
    assert approver["ref"] == str(who.mallory.actor_ref)
    assert approver["onBehalfOf"] == str(who.alice.actor_ref)


def test_the_page_says_so_before_and_after(who):
    lend(who, who.alice, who.mallory)
    request = ask(who)
    browser = as_(who.mallory)
    page = text(browser.get(f"/requests/{request.id}"))
    assert "You decide on behalf of Alice Lead, for team-leads." in page
    form = {"outcome": "approve", "comment": "Fine", "snapshot": request.snapshot.digest}
    answer = text(browser.post(f"/requests/{request.id}/decide", form, follow=True))
    assert "Approved on behalf of Alice Lead. Entry " in answer
    assert "Mallory Outside on behalf of Alice Lead" in answer


def test_the_queue_of_a_delegate_has_what_waits_for_the_member(who):
    request = ask(who)
    page = queue_page(who.mallory, QueueFilters())
    assert (page.groups, page.counts["you"].value) == ([], 0)
    lend(who, who.alice, who.mallory)
    page = queue_page(who.mallory, QueueFilters())
    assert [row.request for group in page.groups for row in group.rows if row.may_decide] == [
        request
    ]
    assert page.counts["you"].value == 1


def test_the_member_still_may_and_a_delegate_may_reject(who):
    lend(who, who.alice, who.mallory)
    assert decide(ask(who), who.alice).status == "approved"
    assert decide(ask(who), who.mallory, "reject", "No").status == "rejected"


def test_member_and_delegate_together_count_once(two):
    lend(two, two.alice, two.mallory)
    for first, second in ((two.alice, two.mallory), (two.mallory, two.alice)):
        request = decide(ask(two), first)
        refuses(request, second, "voice-used")
        assert (request.status, request.given) == ("pending", 1)
        assert decide(request, two.bob).status == "approved"


def test_one_human_for_two_members_counts_once(two):
    lend(two, two.alice, two.mallory)
    lend(two, two.bob, two.mallory)
    request = decide(ask(two), two.mallory)
    refuses(request, two.mallory, "decided")
    assert request.status == "pending"
    assert decide(request, two.bob).status == "approved"


def test_who_was_spoken_for_may_still_reject(two):
    lend(two, two.alice, two.mallory)
    request = decide(ask(two), two.mallory)
    assert decide(request, two.alice, "reject", "I never wanted this").status == "rejected"


@pytest.mark.parametrize("actor", ["alice", "mallory"])
def test_nobody_decides_on_what_they_or_the_member_touched(who, actor):
    lend(who, who.alice, who.mallory)
    request = ask(who, run={"id": "77", "attempt": 1, "actor": actor})
    refuses(request, who.mallory, "own-change")
    assert decide(request, who.bob).status == "approved"


def test_a_vote_falls_when_the_member_is_found_to_have_touched_it(who):
    lend(who, who.alice, who.mallory)
    request = decide(ask(who), who.mallory)
    request.account.owner = who.alice
    request.account.save()
    assert not request_page(who.carol, request.id).decisions[0].counts


def test_before_and_after_its_time_a_delegate_may_nothing(who):
    later = now() + timedelta(hours=1)
    lend(who, who.alice, who.mallory, starts_at=later)
    before = now() - timedelta(seconds=1)
    lend(who, who.bob, who.mallory, ends_at=before)
    grant_role(by=who.admin, to=who.mallory, role="viewer", target=who.project)
    request = ask(who)
    refuses(request, who.mallory, "not-in-group")
    lend(who, who.alice, who.mallory)
    assert decide(request, who.mallory).status == "approved"


def test_what_was_decided_in_its_time_counts_after_it(who):
    ensure_signing_key()
    delegation = lend(who, who.alice, who.mallory)
    request = decide(ask(who), who.mallory)
    Delegation.objects.filter(pk=delegation.pk).update(ends_at=now())
    assert redeem(who, request).status == "issued"


@pytest.mark.parametrize("end", ["delegation", "member", "deactivated", "delegate"])
def test_it_ends_at_once_and_what_was_given_on_it_falls(who, end):
    delegation = lend(who, who.alice, who.mallory)
    request, waiting = decide(ask(who), who.mallory), ask(who)
    if end == "delegation":
        end_delegation(by=who.alice, delegation=delegation)
    elif end == "member":
        leave(who, who.alice)
    else:
        gone = who.alice if end == "deactivated" else who.mallory
        deactivate_person(by=who.admin, person=gone)
        who.mallory.refresh_from_db()
    look_at_departures()
    request.refresh_from_db()
    assert (request.status, request.round) == ("pending", 2)
    why = "the account is deactivated" if end == "delegate" else (
        "the delegation on which it was given stands no more"
    )  # fmt: skip
    assert request.drift[0]["new"] == f"not counted: {why}"
    with pytest.raises((NotFound, Forbidden)):
        decide(waiting, who.mallory)
    assert decide(waiting, who.bob).status == "approved"


def test_a_member_who_comes_back_brings_no_delegation_along(who):
    lend(who, who.alice, who.mallory)
    leave(who, who.alice)
    add_member(by=who.admin, group=ApproverGroup.objects.get(name="team-leads"), person=who.alice)
    with pytest.raises(NotFound):
        decide(ask(who), who.mallory)


def test_a_delegation_is_not_delegated_on(who):
    """What Bob gives on is his own membership: what Alice lent to Mallory stays with Mallory."""
    lend(who, who.alice, who.mallory)
    with pytest.raises(Exception, match="Only a member can be represented"):
        lend(who, who.mallory, who.carol)


DBA = """\
policy: databases
facts: v1
match: {projects: ["**"], environments: [production], actions: ["*"]}
rules:
  - id: dba
    when: "true"
    require: {%s}
decide_within: 24h
valid_for: 1h
default: {require: {count: 1, from: [dba]}}
"""


@pytest.mark.parametrize(
    ("rule", "behalf"),
    [
        ("count: 1, from: [dba]", ""),
        ("count: 2, from: [team-leads, dba], sequence: [team-leads, dba]", "Alice Lead"),
    ],
)
def test_the_own_name_comes_first_unless_it_is_not_its_turn(who, rule, behalf):
    dana = person(who.admin, "Dana Data")
    add_member(by=who.admin, group=create_group(by=who.admin, name="dba"), person=dana)
    put_in_force(who.admin, who.deputy, DBA % rule)
    lend(who, who.alice, dana)
    request = decide(ask(who), dana)
    line = request_page(dana, request.id).decisions[0]
    assert (line.behalf, line.counts) == (behalf, True)


def test_one_door_says_the_same_as_the_decision(who):
    request = ask(who)
    assert why_not(who.mallory, "approve", request).code == "not-in-group"
    lend(who, who.alice, who.mallory)
    assert why_not(who.mallory, "approve", request) is None
    assert why_not(who.mallory, "decide", request) is None
