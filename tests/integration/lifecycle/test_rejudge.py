"""A policy that moves reaches what waits, and nothing that waits is freed by it."""

from datetime import timedelta

import pytest

from approvals.lifecycle.rejudge import moved_policies, rejudge_moved
from approvals.models import Verdict
from policies.models import Policy
from policies.publishing import create_policy, publish_version, retire_policy, save_version
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from tests.factories import STAGING_AUTO, ask, decide, redeem

pytestmark = pytest.mark.django_db

DENYING = "  - {id: stop, when: \"request.tier == 'production'\", deny: An incident is open.}\n"
ELSEWHERE = STAGING_AUTO.replace("policy: shop", "policy: elsewhere").replace(
    'projects: ["**"]', "projects: [elsewhere]"
)


def publish(who, text):
    policy = Policy.objects.get(name="shop")
    publish_version(by=who.deputy, version=save_version(by=who.admin, policy=policy, text=text))
    return policy


def test_a_deny_that_comes_into_force_ends_what_waits(who):
    request = ask(who)
    policy = publish(who, STAGING_AUTO.replace("rules:\n", "rules:\n" + DENYING))
    assert moved_policies() == [policy.pk]
    assert rejudge_moved(policy.pk) == 1
    request.refresh_from_db()
    assert request.status == "denied"
    assert request.verdict.body["denials"][0]["sentence"] == "An incident is open."
    assert moved_policies() == []
    assert rejudge_moved(policy.pk) == 0


def test_more_people_are_asked_of_what_waits_and_the_counts_say_so(who):
    request = ask(who)
    policy = publish(who, STAGING_AUTO.replace("{count: 1,", "{count: 2,"))
    rejudge_moved(policy.pk)
    request.refresh_from_db()
    assert (request.status, request.needed) == ("pending", 2)
    assert [row["version"] for row in request.verdict.body["policies"]] == [1, 2]
    assert decide(request, who.alice).status == "pending"
    assert decide(request, who.bob).status == "approved"
    assert redeem(who, request).status == "issued"


def test_retiring_the_only_policy_denies_what_waits_and_what_was_approved(who):
    waiting, approved = ask(who), decide(ask(who), who.alice)
    policy = retire_policy(by=who.deputy, policy=Policy.objects.get())
    assert rejudge_moved(policy.pk) == 1
    waiting.refresh_from_db()
    assert waiting.status == "denied"
    assert "No policy is in force" in waiting.verdict.body["denials"][0]["sentence"]
    with pytest.raises(Conflict):
        redeem(who, approved)
    approved.refresh_from_db()
    assert approved.status == "denied"


def test_a_policy_for_something_else_reaches_nothing_here(who):
    request = ask(who)
    version = create_policy(by=who.admin, text=ELSEWHERE)
    publish_version(by=who.deputy, version=version)
    assert rejudge_moved(version.policy_id) == 0
    request.refresh_from_db()
    assert request.verdict.body["policies"] == request.verdict.body["policies"][:1]
    assert moved_policies() == [Policy.objects.get(name="shop").pk]


def test_what_was_judged_since_is_not_gone_through_again(who):
    ask(who)
    policy = publish(who, STAGING_AUTO.replace("{count: 1,", "{count: 2,"))
    # As if the worker had been killed long after it judged the request, before it took the mark.
    rejudge_moved(policy.pk)
    Policy.objects.filter(pk=policy.pk).update(moved_at=now() - timedelta(minutes=5))
    before = Verdict.objects.count()
    assert rejudge_moved(policy.pk) == 0
    assert Verdict.objects.count() == before
    assert moved_policies() == []
