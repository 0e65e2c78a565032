import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.queries import QueueFilters, queue_page
from approvals.queries.queue import waiting_for_you
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.directory.groups import add_member, create_group
from tests import factories
from tests.factories import ask, decide
from tests.integration.pages import as_, text


def part(client, address, target):
    return client.get(address, headers={"HX-Request": "true", "HX-Target": target})


def test_the_queue_says_what_waits_for_me_and_for_how_long(who):
    request = ask(who)
    page = text(as_(who.alice).get("/"))
    assert "Waiting for you 1" in page
    assert f"Deploy shop production carol · run #{request.run['id']} · {request}" in page
    assert "0 of 1 team-leads" in page
    assert "23 h 59 left" in page
    assert "Review" in page


def test_an_outsider_sees_an_empty_queue(who):
    ask(who)
    page = as_(who.mallory).get("/?tab=all")
    assert "Deploy shop" not in text(page)
    assert "Nothing waits for you." in text(page)


def test_a_viewer_may_look_and_not_decide(who):
    ask(who)
    page = text(as_(who.carol).get("/?tab=all"))
    assert "Waiting for others 1" in page
    assert "you asked: others decide" in page
    assert "Review " not in page.split("Waiting for others")[1]


def test_before_the_first_request_the_queue_says_how_to_ask(who):
    page = text(as_(who.alice).get("/"))
    assert "No pipeline has asked yet" in page
    assert "countersign gate --project" in page


def test_a_filter_that_matches_nothing_offers_to_clear_it(who):
    ask(who)
    response = as_(who.alice).get("/?project=elsewhere")
    assert "No request matches" in text(response)
    assert 'href="/">Clear filters' in response.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "tab=nope",
        "after=%00",
        "after=!!!!",
        "project=%E2%80%AE",
        "status=done",
        "after=" + "x" * 9999,
    ],
)
def test_nonsense_in_the_address_is_ignored(who, query):
    request = ask(who)
    assert str(request) in text(as_(who.alice).get(f"/?{query}")).replace("no request", "")


def test_the_live_part_is_the_list_and_its_counts_only(who):
    ask(who)
    response = part(as_(who.alice), "/", "queue")
    body = response.content.decode()
    assert "<!doctype" not in body
    assert 'id="tabs"' in body
    assert 'id="queue-count"' in body
    assert "HX-Request" in response["Vary"]


def test_a_row_is_read_again_under_the_list_s_own_filters(who):
    request = ask(who)
    address = f"/queue/rows/{request.id}"
    alice = as_(who.alice)
    assert f'id="q-{request.id}"' in part(alice, address, "q").content.decode()
    assert part(alice, f"{address}?environment=production", "q").status_code == 200
    assert part(alice, f"{address}?environment=staging", "q").status_code == 204


def test_a_row_that_is_not_mine_to_see_is_empty_and_says_nothing(who):
    request = ask(who)
    mine, missing = f"/queue/rows/{request.id}", f"/queue/rows/{uuid.uuid4()}"
    answers = [part(as_(who.mallory), address, "q") for address in (mine, missing)]
    assert [(a.status_code, a.content) for a in answers] == [(204, b""), (204, b"")]


def test_a_decided_row_shows_its_result_before_it_leaves(who):
    request = decide(ask(who), who.bob)
    response = part(as_(who.alice), f"/queue/rows/{request.id}", "q")
    assert "data-over" in response.content.decode()
    assert "Approved Bob Lead" in text(response)


def test_what_was_decided_today_has_its_own_tab(who):
    decide(ask(who), who.bob, "reject", "Not today")
    page = text(as_(who.alice).get("/?tab=decided"))
    assert "Decided today 1" in page
    assert "Rejected Bob Lead" in page


def test_hostile_text_from_the_pipeline_stays_text(who):
    run = {
        "id": "1",
        "attempt": 1,
        "actor": "<b>eve\u202e",
        "pipeline": "<script>alert(1)</script>",
    }
    ask(who, run=run)
    body = as_(who.alice).get("/").content.decode()
    assert "<script>alert" not in body
    assert "&lt;b&gt;eve⟨U+202E⟩" in body


def test_nobody_looks_without_signing_in(who, client):
    response = client.get("/")
    assert (response.status_code, response["Location"]) == (302, "/account/login/?next=/")


def test_the_queue_takes_no_post(who):
    assert as_(who.alice).post("/").status_code == 405


def test_all_requests_are_listed_newest_first_with_their_state(who):
    first, second = ask(who, "staging"), ask(who)
    page = text(as_(who.alice).get("/requests/"))
    assert page.index(str(second)) < page.index(str(first))
    assert "Approved by policy" in page
    assert "Waiting · 0 of 1" in page
    assert str(second) not in text(as_(who.alice).get("/requests/?status=approved"))
    assert "Deploy shop" not in text(as_(who.mallory).get("/requests/"))


def test_older_requests_are_a_link_away(who, monkeypatch):
    monkeypatch.setattr("approvals.queries.listing.PAGE", 2)
    numbers = [str(ask(who, "staging")) for _ in range(3)]
    alice = as_(who.alice)
    page = alice.get("/requests/?action=deploy")
    assert numbers[0] not in text(page)
    older = alice.get(page.context["older_url"])
    assert numbers[0] in text(older)
    assert "action=deploy" in page.context["older_url"]
    assert older.context["newest_url"] == "/requests/?action=deploy"


def test_more_rows_cost_no_more_questions_to_the_database(who):
    alice = as_(who.alice)
    decide(ask(who), who.bob)
    ask(who)
    alice.get("/")
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as asked:
            alice.get("/")
        counts.append(len(asked))
        for _ in range(4):
            ask(who)
    assert counts[0] == counts[1]


def test_a_request_that_waits_for_two_groups_of_one_person_counts_once(who):
    rule = "  - {{id: {0}, when: request.tier == 'production', require: {{count: 1, from: [{0}]}}}}"
    add_member(by=who.admin, group=create_group(by=who.admin, name="oncall"), person=who.alice)
    text_of = factories.STAGING_AUTO.replace("default:", rule.format("oncall") + "\ndefault:")
    version = save_version(by=who.admin, policy=Policy.objects.get(), text=text_of)
    publish_version(by=who.deputy, version=version)
    request = ask(who)
    assert request.needed == 2
    page = queue_page(who.alice, QueueFilters())
    assert (page.counts["you"].value, page.counts["all"].value) == (1, 1)
    assert waiting_for_you(who.alice) == "1"
