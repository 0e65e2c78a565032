"""What depends on an approver group, as its page and the removal of a member say it."""

import pytest
from django.urls import reverse

from approvals.queries.dependents import dependents_of, unmet_groups
from portal.access import grant_role
from portal.directory.groups import create_group, remove_member
from portal.directory.models import ApproverGroup
from tests.factories import STAGING_AUTO, ask, company, decide
from tests.integration.pages import as_, text

TWO_LEADS = STAGING_AUTO.replace(
    "require: {count: 1, from: [team-leads]}\ndefault",
    "require: {count: 2, from: [team-leads]}\ndefault",
)


@pytest.fixture
def who(db):
    return company(TWO_LEADS)


@pytest.fixture
def leads(who):
    return ApproverGroup.objects.get(name="team-leads")


def test_policies_and_open_requests_that_count_on_it_are_listed(who, leads):
    waiting, over = ask(who), ask(who)
    decide(over, who.alice, "reject", "No")
    ask(who, "staging")
    found = dependents_of(who.alice, leads)
    assert [use.name for use in found.policies] == ["shop"]
    assert found.policies[0].asks == [
        "production-lead: 2 approvals from team-leads",
        "default: 1 approval from team-leads",
    ]
    assert [use.row.request for use in found.requests] == [waiting]
    assert found.open.text == "1"


def test_what_the_reader_may_not_see_is_counted_only(who, leads):
    ask(who)
    found = dependents_of(who.mallory, leads)
    assert (found.policies, found.unseen) == ([], 1)
    assert (found.requests, found.open.text) == ([], "1")
    page = text(as_(who.mallory).get(reverse("group", args=[leads.pk])))
    assert "1 more policy names it" in page
    assert "production-lead" not in page


def test_a_policy_that_asks_more_people_than_there_are_is_said(who, leads):
    assert unmet_groups() == frozenset({"policy-publishers"})
    assert dependents_of(who.alice, leads).unmet == []
    warned = dependents_of(who.alice, leads, leaving=who.bob).unmet
    assert "rule production-lead: 2 approvals from team-leads" in warned[0]
    remove_member(by=who.admin, group=leads, person=who.bob)
    assert "team-leads" in unmet_groups()
    page = text(as_(who.alice).get(reverse("group", args=[leads.pk])))
    assert "there are not enough active members" in page
    assert "Too small" in text(as_(who.alice).get(reverse("groups")))


def test_the_removal_says_whose_approval_stops_counting_before_it_does(who, leads):
    grant_role(by=who.admin, to=who.carol, role="group-manager", target=leads)
    request = ask(who)
    address = reverse("member-remove", args=[leads.pk, who.alice.pk])
    assert "that stops counting" not in text(as_(who.carol).get(address))
    decide(request, who.alice)
    page = text(as_(who.carol).get(address))
    assert f"{request} · Deploy shop Alice Lead approved it: that stops counting" in page
    assert "not enough active members" in page


def test_the_built_in_policy_counts_on_its_publishers(who):
    group = create_group(by=who.admin, name="policy-publishers")
    found = dependents_of(who.mallory, group)
    assert [(use.name, use.policy_id) for use in found.policies] == [("countersign-policies", None)]
    assert found.unmet


def test_nothing_depends_on_a_group_that_nobody_names(who):
    group = create_group(by=who.admin, name="dba")
    page = text(as_(who.admin).get(reverse("group", args=[group.pk])))
    assert "No policy names it, and no open request counts on it." in page
