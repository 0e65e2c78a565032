"""“Who can do what”: the answer of every check, on one page, for as many queries however many
people there are."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from policies.queries import BrokenPolicy
from portal.access import Capability, grant_role, holds
from portal.access.models import Organisation, RoleGrant
from portal.accounts.people import deactivate_person
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup
from portal.directory.projects import create_project
from portal.kernel.clock import now
from tests.factories import company, person, put_in_force
from tests.integration.pages import as_, text

PAYMENTS = """\
policy: payments
facts: v1
match: {projects: [shop], environments: [production], actions: [deploy]}
rules:
  - id: finance
    when: "true"
    require: {count: 1, from: [finance]}
default: {require: {count: 1, from: [finance]}}
decide_within: 24h
valid_for: 1h
hold: [request.commit]
"""


@pytest.fixture
def who(db):
    return company()


@pytest.fixture
def pages(who):
    """Each page by what it is about."""
    create_group(by=who.admin, name="finance")
    add_member(by=who.admin, group=ApproverGroup.objects.get(name="finance"), person=who.carol)
    version = put_in_force(who.admin, who.deputy, PAYMENTS)
    leads = ApproverGroup.objects.get(name="team-leads")
    place = [who.project.pk, who.production.pk]
    return {
        "project": reverse("project-who-can", args=place[:1]),
        "environment": reverse("environment-who-can", args=place),
        "group": reverse("group-who-can", args=[leads.pk]),
        "policy": reverse("policy-who-can", args=[version.policy_id]),
        "portal": reverse("portal-who-can"),
        "person": reverse("person-who-can", args=[who.alice.pk]),
    }


def row(response, words):
    """Who may do this, and through what, on the page."""
    found = {ability.words: ability for ability in response.context["abilities"]}
    return {holder.person.username: holder.through for holder in found[words].holders}


def test_a_project_says_who_may_and_through_which_role(who, pages):
    grant_role(by=who.admin, to=who.mallory, role="maintainer", target=who.project)
    answer = as_(who.mallory).get(pages["project"])
    assert row(answer, "See it") == {
        "admin": "Administrator of Example",
        "dee": "Administrator of Example, Policy publisher of Example",
        "alice": "Viewer",
        "bob": "Viewer",
        "carol": "Viewer",
        "mallory": "Maintainer",
    }
    changing = row(answer, "Change settings, sources and tokens")
    assert set(changing) == {"admin", "dee", "mallory"}


def test_the_page_and_the_check_agree(who, pages):
    grant_role(by=who.admin, to=who.mallory, role="auditor", target=who.project)
    answer = as_(who.admin).get(pages["project"])
    everybody = [who.admin, who.deputy, who.alice, who.bob, who.carol, who.mallory]
    for ability in answer.context["abilities"]:
        for one in everybody:
            where = None if ability.capability == Capability.ADMINISTER else who.project
            told = one in ability.people
            assert told == holds(one, ability.capability, where), (ability.words, one)


def test_who_decides_stands_there_with_the_policies_that_ask(who, pages):
    page = as_(who.carol).get(pages["environment"])
    found = {
        (one.place, one.group): ([p.name for p in people], one.policies)
        for one, _, people in page.context["asked"]
    }
    assert found == {
        ("shop/production", "finance"): (["Carol Release"], ("payments",)),
        ("shop/production", "team-leads"): (["Alice Lead", "Bob Lead"], ("shop",)),
    }
    assert "shop/staging" in text(as_(who.carol).get(pages["project"]))


def test_a_group_shows_where_it_decides_as_far_as_the_reader_sees(who, pages):
    bank = create_project(by=who.admin, slug="bank", name="Bank")
    create_environment(by=who.admin, project=bank, name="vault", tier="production")
    whole = text(as_(who.admin).get(pages["group"]))
    assert "bank/vault" in whole
    assert "shop/production" in whole
    part = text(as_(who.carol).get(pages["group"]))
    assert "bank/vault" not in part
    assert "shop/production" in part
    nothing = text(as_(who.mallory).get(pages["group"]))
    assert "Nobody is asked here" in nothing


def test_a_policy_names_those_who_may_on_every_project_it_names(who, pages):
    grant_role(by=who.admin, to=who.mallory, role="maintainer", target=who.project)
    answer = as_(who.admin).get(pages["policy"])
    drafting = row(answer, "Save policy versions")
    assert drafting["mallory"] == "on every project it names"
    assert "shop/production" in text(answer)
    assert "shop/staging" not in text(answer)


def test_what_ended_and_who_is_deactivated_is_not_told(who, pages):
    end = now() + timedelta(hours=1)
    grant_role(by=who.admin, to=who.mallory, role="auditor", target=who.project, until=end)
    words = "Read reports and evidence"
    assert row(as_(who.admin).get(pages["project"]), words) == {"mallory": "Auditor"}
    deactivate_person(by=who.admin, person=who.mallory)
    assert row(as_(who.admin).get(pages["project"]), words) == {}
    deactivate_person(by=who.admin, person=who.bob)
    assert "Bob Lead" not in text(as_(who.admin).get(pages["project"]))


def test_a_person_reads_what_they_can_do_and_others_need_an_administrator(who, pages):
    grant_role(
        by=who.admin, to=who.alice, role="auditor", target=who.production.project,
        reason="Yearly audit", until=now() + timedelta(days=9),
    )  # fmt: skip
    mine = text(as_(who.alice).get(pages["person"]))
    assert "What Alice Lead can do" in mine
    assert "Yearly audit" in mine
    assert "shop/production team-leads shop" in mine
    assert text(as_(who.admin).get(pages["person"])).count("shop/") == mine.count("shop/")
    assert as_(who.bob).get(pages["person"]).status_code == 403
    RoleGrant.objects.filter(role="auditor").update(until=now() - timedelta(days=1))
    assert "Yearly audit" not in text(as_(who.alice).get(pages["person"]))


def test_a_policy_that_cannot_be_read_leaves_open_who_decides(who, pages, monkeypatch):
    def unreadable():
        raise BrokenPolicy("The policy payments is not the document that was saved.")

    monkeypatch.setattr("policies.deciders.all_in_force", unreadable)
    page = text(as_(who.admin).get(pages["project"]))
    assert "Who decides is unknown" in page
    assert "Alice Lead Viewer" in page, "roles are told all the same"


@pytest.mark.parametrize("page", ["project", "environment", "group", "policy", "portal", "person"])
def test_the_pages_cost_as_many_queries_for_many_people_as_for_few(who, pages, page):
    def queries():
        client = as_(who.admin)
        client.get(pages[page])
        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert client.get(pages[page]).status_code == 200
        return len(caught)

    few = queries()
    leads = ApproverGroup.objects.get(name="team-leads")
    for number in range(4):
        one = person(who.admin, f"Person {number}", f"person{number}")
        grant_role(by=who.admin, to=one, role="maintainer", target=who.project)
        grant_role(by=who.admin, to=one, role="group-manager", target=leads)
        grant_role(by=who.admin, to=one, role="auditor", target=Organisation.objects.get())
        add_member(by=who.admin, group=leads, person=one)
    assert queries() == few
    assert few <= 24


def test_the_page_of_the_portal_names_its_administrators(who, pages):
    answer = as_(who.admin).get(pages["portal"])
    administer = row(answer, "Grant roles, change people and groups")
    assert administer == {"admin": "Administrator", "dee": "Administrator"}
    assert row(answer, "Let policy versions come into force") == {"dee": "Policy publisher"}
