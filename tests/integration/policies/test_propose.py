"""A policy comes into force, and goes out of it, by a request that somebody else decides on."""

import json
from datetime import timedelta

import pytest
from django.urls import reverse

from approvals.backtest.run import run_backtest
from approvals.backtest.start import Wish, start_backtest
from approvals.lifecycle.propose import NotBacktested, propose
from approvals.lifecycle.publish import approved_publications, publish_approved
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.submit import submit_request
from approvals.models import Permit, Request
from approvals.permissions import why_not
from policies.models import Policy
from policies.publishing import InvalidPolicy, create_policy, publish_version, save_version
from portal.access import grant_role, revoke_role
from portal.access.models import PERMISSION_TABLES
from portal.accounts.authentication import authenticate_token
from portal.directory.groups import add_member, create_group, remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from portal.kernel.errors import Conflict, Forbidden, Refused
from portal.ledger.models import Entry
from tests.factories import decide, submission
from tests.integration.company import entries
from tests.integration.pages import as_, text
from tests.integration.policies.documents import document

FAILING = """\
tests:
  - {name: production flows, given: {request.environment: production}, expect: {verdict: allow}}
"""

STRICTER = """\
policy: on-policies
facts: v1
match: {projects: [countersign], environments: ["*"], actions: [publish]}
default: {require: {count: 2, from: [policy-publishers]}}
"""


@pytest.fixture(autouse=True)
def signing_key(db):
    ensure_signing_key()


@pytest.fixture
def pub(company):
    """Max drafts for shop; Pam may publish for shop and is asked to decide; so does Paul."""
    publishers = create_group(by=company.ada, name="policy-publishers")
    for name in ("pam", "paul"):
        person = company.person(name)
        setattr(company, name, person)
        grant_role(by=company.ada, to=person, role="policy-publisher", target=company.shop)
        add_member(by=company.ada, group=publishers, person=person)
    company.publishers = publishers
    return company


@pytest.fixture
def draft(pub):
    return create_policy(by=pub.max, text=document(), note="The first")


@pytest.fixture
def asked(pub, draft):
    return propose(by=pub.max, version=draft, move="publish", reason="For the release")


def address(name, version, *, numbered=True):
    args = [version.policy_id, version.number] if numbered else [version.policy_id]
    return reverse(name, args=args)


def carried_out(request, by):
    """Approved by somebody, and then done as the worker does it."""
    request = decide(request, by)
    assert publish_approved(request.pk) is (request.status == "approved")
    request.refresh_from_db()
    return request


def test_a_version_comes_into_force_when_somebody_else_approves(pub, draft, asked):
    assert (asked.status, asked.action, asked.subject) == (
        "pending",
        "publish",
        {"document": draft.digest},
    )
    assert Policy.objects.get().in_force is None
    done = carried_out(asked, pub.pam)
    policy = Policy.objects.get()
    assert (policy.in_force, policy.published_by) == (draft, pub.pam)
    permit = Permit.objects.get()
    assert (done.status, permit.status) == ("redeemed", "succeeded")
    (payload,) = map(json.loads, entries("policy.published"))
    assert payload["actor"]["ref"] == str(pub.pam.actor_ref)
    receipt = permit.receipt
    assert receipt["payloadType"] == "application/vnd.in-toto+json"


def test_neither_who_asks_nor_who_wrote_it_decides(pub, draft):
    grant_role(by=pub.ada, to=pub.max, role="policy-publisher", target=pub.shop)
    add_member(by=pub.ada, group=pub.publishers, person=pub.max)
    asked = propose(by=pub.pam, version=draft, move="publish")
    assert why_not(pub.pam, "decide", asked).sentence == (
        "You cannot decide on this: you asked for this."
    )
    assert why_not(pub.max, "decide", asked).sentence == (
        "You cannot decide on this: you wrote this version."
    )
    assert why_not(pub.paul, "decide", asked) is None


def test_who_is_in_the_group_still_needs_the_right_to_publish(pub, asked):
    add_member(by=pub.ada, group=pub.publishers, person=pub.vera)
    assert why_not(pub.vera, "decide", asked).code == "missing-permission"
    grant_role(by=pub.ada, to=pub.vera, role="policy-publisher", target=pub.shop)
    assert why_not(pub.vera, "decide", asked) is None


def test_a_right_lost_before_it_is_carried_out_begins_the_next_round(pub, asked):
    approved = decide(asked, pub.pam)
    assert approved.status == "approved"
    revoke_role(by=pub.ada, to=pub.pam, role="policy-publisher", target=pub.shop)
    assert not publish_approved(approved.pk)
    approved.refresh_from_db()
    assert (approved.status, approved.round) == ("pending", 2)
    assert Policy.objects.get().in_force is None
    assert carried_out(approved, pub.paul).status == "redeemed"


def test_a_right_that_ended_before_it_is_carried_out_begins_the_next_round(pub, asked):
    """The role was granted for a time; nobody revokes anything and no sweep comes by."""
    approved = decide(asked, pub.pam)
    assert approved.status == "approved"
    held = PERMISSION_TABLES["project"].objects.filter(user=pub.pam)
    assert held.update(until=now() - timedelta(seconds=1))
    assert not publish_approved(approved.pk)
    approved.refresh_from_db()
    assert (approved.status, approved.round) == ("pending", 2)
    assert why_not(pub.pam, "decide", approved).code == "missing-permission"


def test_a_group_emptied_before_it_is_carried_out_keeps_the_version_out(pub, asked):
    approved = decide(asked, pub.pam)
    remove_member(by=pub.ada, group=pub.leads, person=pub.vera)
    assert not publish_approved(approved.pk)
    approved.refresh_from_db()
    assert approved.status == "denied"
    assert Policy.objects.get().in_force is None


def test_another_version_that_came_first_voids_the_approval(pub, asked):
    approved = decide(asked, pub.pam)
    second = save_version(by=pub.max, policy=approved.policy_version.policy, text=document(count=2))
    publish_version(by=pub.paul, version=second)
    assert not publish_approved(approved.pk)
    approved.refresh_from_db()
    assert (approved.status, approved.round) == ("pending", 2)
    assert [row["fact"] for row in approved.drift] == ["policy.in_force"]


def test_it_is_carried_out_once(pub, asked):
    approved = decide(asked, pub.pam)
    assert approved_publications() == [approved.pk]
    assert publish_approved(approved.pk)
    assert not publish_approved(approved.pk)
    assert approved_publications() == []
    assert len(entries("policy.published")) == 1
    assert Permit.objects.count() == 1


def test_rolling_back_is_publishing_an_older_version(pub, asked, draft):
    carried_out(asked, pub.pam)
    second = save_version(by=pub.max, policy=draft.policy, text=document(count=2))
    carried_out(propose(by=pub.max, version=second, move="publish"), pub.pam)
    assert Policy.objects.get().in_force == second
    carried_out(propose(by=pub.max, version=draft, move="publish"), pub.paul)
    assert Policy.objects.get().in_force == draft


def test_a_policy_is_retired_the_same_way(pub, asked, draft):
    carried_out(asked, pub.pam)
    retiring = propose(by=pub.max, version=draft, move="retire")
    assert Policy.objects.get().in_force == draft
    carried_out(retiring, pub.pam)
    assert Policy.objects.get().in_force is None
    assert len(entries("policy.retired")) == 1


def test_what_is_asked_already_or_moot_is_refused(pub, asked, draft):
    with pytest.raises(Conflict) as again:
        propose(by=pub.pam, version=draft, move="publish")
    assert again.value.code == "asked-already"
    carried_out(asked, pub.pam)
    with pytest.raises(Conflict) as there:
        propose(by=pub.max, version=draft, move="publish")
    assert there.value.code == "in-force"
    second = save_version(by=pub.max, policy=draft.policy, text=document(count=2))
    with pytest.raises(Conflict) as not_there:
        propose(by=pub.max, version=second, move="retire")
    assert not_there.value.code == "not-in-force"
    assert Request.objects.count() == 1


def test_failing_tests_and_empty_groups_are_told_with_their_line(pub):
    text_ = document() + FAILING
    failing = create_policy(by=pub.max, text=text_)
    with pytest.raises(InvalidPolicy) as refusal:
        propose(by=pub.max, version=failing, move="publish")
    (problem,) = refusal.value.problems
    assert problem.line == len(text_.splitlines())
    assert problem.message == ("production flows: the verdict is review because of lead, not allow")
    remove_member(by=pub.ada, group=pub.leads, person=pub.vera)
    with pytest.raises(InvalidPolicy) as refusal:
        propose(by=pub.max, version=failing, move="publish")
    assert len(refusal.value.problems) == 2
    assert not Request.objects.exists()


def test_nobody_who_could_publish_is_an_error_with_its_cause(company):
    draft = create_policy(by=company.max, text=document())
    with pytest.raises(Refused) as refusal:
        propose(by=company.max, version=draft, move="publish")
    assert refusal.value.code == "no-eligible-approver"
    assert "policy-publishers" in refusal.value.sentence
    assert not Request.objects.exists()
    # The place is made once somebody can decide: what is refused leaves nothing behind.
    assert not ApproverGroup.objects.filter(name="policy-publishers").exists()


@pytest.mark.parametrize("name", ["vera", "olga"])
def test_only_who_drafts_or_publishes_it_may_ask(pub, draft, name):
    with pytest.raises(Forbidden):
        propose(by=getattr(pub, name), version=draft, move="publish")
    assert propose(by=pub.max, version=draft, move="publish").status == "pending"


def test_a_name_kept_for_the_portal_is_refused(pub):
    grant_role(by=pub.ada, to=pub.max, role="administrator", target=pub.organisation)
    with pytest.raises(InvalidPolicy):
        create_policy(by=pub.max, text=document(name="countersign-policies", projects='"**"'))
    assert create_policy(by=pub.max, text=document(name="more", projects='"**"'))


def test_an_own_policy_on_policies_adds_to_the_built_in_one(pub, draft):
    version = create_policy(by=pub.ada, text=STRICTER)
    grant_role(by=pub.ada, to=pub.pam, role="policy-publisher", target=pub.organisation)
    publish_version(by=pub.pam, version=version)
    asked = propose(by=pub.max, version=draft, move="publish")
    wanted = {(o["policy"], o["rule"]) for o in asked.verdict.body["obligations"]}
    assert wanted == {("countersign-policies", "somebody-else"), ("on-policies", "default")}
    assert decide(asked, pub.pam).status == "pending"


def test_a_reject_leaves_everything_as_it_was(pub, asked):
    assert decide(asked, pub.pam, "reject", "Too loose").status == "rejected"
    assert not publish_approved(asked.pk)
    assert Policy.objects.get().in_force is None


def test_a_decision_from_before_the_policy_moved_is_refused(pub, asked):
    page = as_(pub.pam).get(asked.get_absolute_url())
    shown = page.context["page"].request.verdict.digest
    version = create_policy(by=pub.ada, text=STRICTER)
    grant_role(by=pub.ada, to=pub.paul, role="policy-publisher", target=pub.organisation)
    publish_version(by=pub.paul, version=version)
    posted = {
        "outcome": "approve",
        "comment": "Fine by me",
        "snapshot": asked.snapshot.digest,
        "verdict": shown,
    }
    answer = as_(pub.pam).post(reverse("decide", args=[asked.pk]), posted)
    assert answer.status_code == 409
    assert "what policy asks changed" in text(answer)
    assert "Fine by me" in answer.content.decode()
    assert not asked.decisions.exists()
    assert decide(asked, pub.pam).status == "pending"
    assert decide(asked, pub.paul).status == "approved"


def test_the_pages_lead_from_the_version_to_the_request(pub, draft):
    max_, version = as_(pub.max), address("policy-version", draft)
    assert "Ask to publish" in text(max_.get(version))
    asking = address("policy-version-publish", draft)
    assert "whole document" in text(max_.get(asking))
    page = max_.post(asking, {"reason": "Release"}, follow=True)
    asked = Request.objects.get()
    assert page.redirect_chain == [(asked.get_absolute_url(), 302)]
    shown = text(page)
    assert "Publish policy shop v1" in shown
    assert "added: rules:" in shown
    assert "Release" in shown
    assert "Somebody asked: Publish policy shop v1." in text(max_.get(version))
    queue = text(as_(pub.pam).get(reverse("queue")))
    assert "Publish policy shop v1" in queue
    assert "Max" in queue


def test_who_sees_the_policy_but_may_not_ask_reads_what_is_missing(pub, draft):
    grant_role(by=pub.ada, to=pub.max, role="policy-publisher", target=pub.shop)
    asking = address("policy-version-publish", draft)
    for name, status in (("max", 200), ("vera", 403), ("olga", 404)):
        assert as_(getattr(pub, name)).get(asking).status_code == status
        assert as_(getattr(pub, name)).post(asking).status_code == {200: 302}.get(status, status)


def test_who_asked_sees_the_request_and_may_withdraw_it(pub, asked):
    max_ = as_(pub.max)
    assert max_.get(asked.get_absolute_url()).status_code == 200
    assert as_(pub.olga).get(asked.get_absolute_url()).status_code == 404
    max_.post(reverse("withdraw", args=[asked.pk]))
    asked.refresh_from_db()
    assert asked.status == "withdrawn"


def test_every_step_stands_in_the_ledger(pub, asked):
    carried_out(asked, pub.pam)
    types = Entry.objects.filter(request=asked.pk).order_by("id").values_list("type", flat=True)
    assert [t for t in types if t not in {"snapshot.captured", "verdict.given"}] == [
        "request.submitted",
        "request.pended",
        "decision.recorded",
        "request.approved",
        "permit.issued",
        "permit.started",
        "permit.finished",
    ]


def test_nothing_is_published_whose_effect_nobody_looked_at(pub, draft):
    carried_out(propose(by=pub.max, version=draft, move="publish"), pub.pam)  # nothing to replay
    submit_request(
        token=authenticate_token(pub.token()[1]),
        submission=submission("production"),
        idempotency_key="first",
    )
    second = save_version(by=pub.max, policy=draft.policy, text=document(count=2))
    asking = address("policy-version-publish", second)
    assert "has to be looked at" in text(as_(pub.max).get(asking))
    with pytest.raises(NotBacktested):
        propose(by=pub.max, version=second, move="publish")
    assert as_(pub.max).post(asking).status_code == 409
    backtest, _new = start_backtest(by=pub.max, version=second, wish=Wish())
    run_backtest(backtest.pk)
    with pytest.raises(NotBacktested):
        propose(by=pub.max, version=second, move="publish")
    args = [second.policy_id, second.number, backtest.pk]
    assert "I looked at this" in text(as_(pub.max).get(reverse("backtest", args=args)))
    with pytest.raises(NotBacktested):  # reading changes nothing; saying so does
        propose(by=pub.max, version=second, move="publish")
    as_(pub.max).post(reverse("backtest-seen", args=args))
    assert "has to be looked at" not in text(as_(pub.max).get(asking))
    done = carried_out(propose(by=pub.max, version=second, move="publish"), pub.pam)
    assert done.status == "redeemed"
    rolled_back = propose(by=pub.max, version=draft, move="publish")
    assert rolled_back.status == "pending"
