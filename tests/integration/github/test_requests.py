"""A request whose policy reads a GitHub: whom it bars, what is looked at again before it runs."""

import json
from datetime import timedelta

import pytest

from approvals.connections.configure import create_connection
from approvals.context import parts
from approvals.context.forge import side_by_side
from approvals.lifecycle.enrich import due_readings, read_source
from approvals.lifecycle.redeem import Drift
from approvals.models import KeptAnswer, Reading
from approvals.permissions import why_not
from portal.access import grant_role
from portal.kernel.clock import now
from portal.kernel.errors import Unavailable
from tests.factories import ask, backdate, decide, person, put_in_force, redeem
from tests.github import NUMBER, TOKEN
from tests.integration.pages import as_
from tests.remote import Says

pytestmark = pytest.mark.django_db(transaction=True)

REVIEWED = """\
policy: reviewed
facts: v1
match: {projects: ["**"], environments: [production], actions: ["*"]}
rules:
  - id: red
    when: ci.state != 'success'
    deny: Checks are {ci.state}.
  - id: unreviewed
    when: pr.approvals < 1
    deny: Nobody approved the pull request.
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [ci.state, git.head, pr.approvals]
"""


@pytest.fixture
def asked(who, hub, shop, monkeypatch):
    """A request for a commit that is green and reviewed, read through the connection."""
    monkeypatch.setattr(parts, "side_by_side", side_by_side)
    put_in_force(who.admin, who.deputy, REVIEWED)
    for number, name in enumerate(("Ana Author", "Dev Author"), start=31):
        hub.people[person(who.admin, name).email] = number
    create_connection(
        by=who.admin,
        kind="github",
        name="our github",
        project=who.project,
        settings={"url": hub.url, "repository": str(NUMBER)},
        secrets={"token": TOKEN},
        private=True,
    )
    hub.run(shop.new, "unit")
    hub.pull_of_it = hub.pull(shop.new)
    hub.review_of_it = hub.review(hub.pull_of_it, 12)
    return lambda commit=shop.new: read(ask(who, subject={"commit": commit}))


def read(request):
    """A worker reads what is due."""
    Reading.objects.filter(request=request).update(next_try=now())
    for request_id, key in due_readings():
        read_source(request_id, key)
    request.refresh_from_db()
    return request


def test_its_facts_come_from_the_connection(who, asked):
    facts = asked().snapshot.facts
    assert facts["ci.state"]["value"] == "success"
    assert facts["pr.approvers"]["value"] == ["github:12"]
    assert facts["git.authors"]["source"].startswith("github:")


def test_what_is_red_is_denied(who, hub, shop, asked):
    hub.run(shop.new, "unit", "failure")
    assert asked().status == "denied"


@pytest.mark.parametrize("moved", ["a check failed", "the branch moved", "a review was dismissed"])
def test_b6_what_moves_after_the_approval_voids_it(who, hub, shop, asked, moved):
    request = asked()
    decide(request, who.alice)
    if moved == "a check failed":
        hub.run(shop.new, "unit", "failure")
    elif moved == "the branch moved":
        shop.commit({"more": b"1"})
    else:
        hub.review_of_it["state"] = "DISMISSED"
    with pytest.raises(Drift):
        redeem(who, request)


def test_nothing_moved_and_the_permit_is_given(who, hub, asked):
    request = asked()
    decide(request, who.alice)
    assert redeem(who, request).status == "issued"


def test_silence_of_one_part_is_no_drift(who, hub, asked):
    request = asked()
    decide(request, who.alice)
    hub.refuses.append(("/reviews", Says({}, 403, {"Retry-After": "5"})))
    with pytest.raises(Unavailable, match="no more questions before"):
        redeem(who, request)


def test_a3_who_wrote_a_part_of_it_decides_on_nothing(who, hub, shop, asked):
    hub.people[who.alice.email] = 21
    tip = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL=who.alice.email)
    hub.run(tip, "unit")
    hub.push(hub.pull_of_it, tip)
    hub.review(hub.pull_of_it, 12)
    request = asked(tip)
    assert why_not(who.alice, "decide", request).code == "own-change"
    assert why_not(who.bob, "decide", request) is None


def test_a4_nobody_decides_while_a_writer_is_not_known(who, hub, shop, asked):
    nameless = shop.commit({"a": b"1"}, GIT_AUTHOR_EMAIL="")
    tip = shop.commit({"a": b"2"})
    hub.run(tip, "unit")
    hub.push(hub.pull_of_it, tip)
    hub.review(hub.pull_of_it, 12)
    request = asked(tip)
    assert nameless != tip
    assert not request.project.repository  # the connection alone tells of the commit
    assert why_not(who.alice, "decide", request).code == "authors-unknown"


class TestExecutionsWithoutAPermit:
    """What GitHub tells of the last deployment, beside the permits that were given."""

    @pytest.fixture
    def deployed(self, hub, shop):
        """The running commit was deployed just now, and ended like this."""

        def act(state="success"):
            hub.deploy(shop.old, state)
            row, _states = hub.deployments[-1]
            row["created_at"] = now().strftime("%Y-%m-%dT%H:%M:%SZ")
            KeptAnswer.objects.all().delete()  # as a delivery of its hook would

        return act

    @pytest.fixture
    def found(self, who):
        """Rows of the report, as the auditor takes them out."""
        auditor = person(who.admin, "Olga Auditor")
        grant_role(by=who.admin, to=auditor, role="auditor", target=who.project)

        def act():
            body = as_(auditor).get("/audit/reports/files/without-permit.jsonl").getvalue()
            return [json.loads(line) for line in body.splitlines()]

        return act

    def test_a_deployment_that_nobody_asked_for_is_one(self, shop, asked, deployed, found):
        deployed()
        asked()
        asked()  # sees the same deployment
        (row,) = found()
        assert (row["commit"], row["found_by"], row["by"]) == (shop.old, "our github", "github:12")
        assert (row["environment"], row["request"], row["decision"]) == ("production", "", "")

    def test_one_that_was_asked_for_and_not_let_through_names_the_request(
        self, shop, asked, deployed, found
    ):
        refused = asked(shop.old)
        deployed()
        asked()
        (row,) = found()
        assert (row["request"], row["decision"]) == (str(refused), "denied")

    @pytest.mark.parametrize("state", ["failure", "in_progress"])
    def test_a_deployment_that_may_be_a_refused_job_is_none(self, asked, deployed, found, state):
        deployed(state)
        asked()
        assert found() == []

    def test_one_with_a_permit_is_none_and_a_later_permit_hides_nothing(
        self, who, hub, shop, asked, deployed, found
    ):
        hub.run(shop.old, "unit")
        hub.review(hub.pull(shop.old), 12)
        permit = redeem(who, decide(asked(shop.old), who.alice))
        deployed()
        asked()
        assert found() == []
        backdate(permit, issued_at=now() + timedelta(minutes=1))
        assert [row["commit"] for row in found()] == [shop.old]

    def test_what_was_deployed_before_the_environment_was_guarded_is_none(
        self, hub, shop, asked, found
    ):
        hub.deploy(shop.old, "success")
        asked()
        assert found() == []
