"""Reading sources for requests that wait: once each, again and again, never for nothing."""

from datetime import timedelta

import pytest

from approvals.lifecycle.enrich import (
    GIVE_UP_AFTER,
    LEASE,
    LONGEST_PAUSE,
    due_readings,
    read_source,
)
from approvals.lifecycle.withdraw import withdraw_request
from approvals.models import Reading, Snapshot, Verdict
from portal.directory.groups import add_member, remove_member
from portal.directory.models import ApproverGroup
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.ledger.models import Entry
from tests.factories import ask, decide, person
from tests.integration.lifecycle.conftest import HEAD, WRITERS, make_due

pytestmark = pytest.mark.django_db

DENY_UNSIGNED = """\
  - id: never-unsigned
    when: git.signature == 'none'
    deny: This commit is not signed.
  - id: signed
    when: git.signature == 'good'
    approve: auto
"""
DENY_BY_TIER = """\
  - id: never-testing
    when: request.tier == 'testing'
    deny: Nothing runs on {request.environment}.
  - id: never-unsigned
    when: git.signature == 'none'
    deny: This commit is not signed.
"""
TWO_FOR_LARGE = """\
  - id: one
    when: "true"
    require: {count: 1, from: [team-leads]}
  - id: large
    when: git.diff_lines > 100
    require: {count: 2, from: [team-leads]}
"""


def reading(request):
    return Reading.objects.get(request=request)


def written(request):
    """How many snapshots, verdicts and entries there are, and the version."""
    return (
        Snapshot.objects.filter(request=request).count(),
        Verdict.objects.filter(request=request).count(),
        Entry.objects.filter(request=request.pk).count(),
        request.version,
    )


class TestLease:
    def test_a_request_that_waits_wants_its_source_at_once(self, shop):
        request = ask(shop)
        assert due_readings() == [(request.id, "git")]

    def test_the_same_message_again_reads_nothing(self, shop, git):
        request = ask(shop)
        assert [read_source(request.id, "git") for _ in range(3)] == [True, False, False]
        assert git.asked == 1

    def test_while_one_worker_reads_another_gets_nothing(self, shop, git):
        request = ask(shop)
        inner = []
        git.meanwhile = lambda: inner.append(read_source(request.id, "git"))
        assert read_source(request.id, "git")
        assert (inner, git.asked) == ([False], 1)

    def test_a_killed_worker_leaves_a_reading_that_comes_up_again(self, shop, git):
        request = ask(shop)
        git.says = KeyboardInterrupt()  # the worker goes down in the middle
        with pytest.raises(KeyboardInterrupt):
            read_source(request.id, "git")
        taken = reading(request)
        assert (taken.state, taken.attempts) == ("wanted", 1)
        assert taken.next_try <= now() + timedelta(seconds=15) + LEASE
        assert due_readings() == []
        git.says = {"git.head": HEAD}
        git.come(request)
        assert reading(request).state == "known"

    def test_an_answer_after_the_lease_ran_out_is_dropped(self, shop, git):
        request = ask(shop)

        def somebody_else():
            git.meanwhile, git.says = None, {"git.head": "b" * 40}
            git.come(request)
            git.says = {"git.head": "c" * 40}

        git.meanwhile = somebody_else
        read_source(request.id, "git")
        assert reading(request).facts["git.head"]["value"] == "b" * 40

    def test_a_request_that_ends_meanwhile_is_not_judged(self, shop, git):
        request = ask(shop)
        git.meanwhile = lambda: withdraw_request(by=shop.carol, request_id=request.id)
        assert read_source(request.id, "git")
        request.refresh_from_db()
        assert (request.status, reading(request).next_try) == ("withdrawn", None)
        assert Snapshot.objects.filter(request=request).count() == 1

    def test_a_request_that_people_decided_is_not_read_once_more(self, shop, git):
        request = decide(git.come(ask(shop)), shop.alice)
        asked = git.asked
        git.come(request)
        assert (request.status, git.asked, due_readings()) == ("approved", asked, [])

    def test_withdrawing_clears_what_is_due(self, shop):
        request = ask(shop)
        withdraw_request(by=shop.carol, request_id=request.id)
        assert due_readings() == []


class TestRetry:
    def test_pauses_grow_up_to_a_minute(self, shop, git):
        request = ask(shop)
        git.fail()
        pauses = []
        for _ in range(9):
            git.come(request)
            pauses.append((reading(request).next_try - now()).total_seconds())
        for pause, before in zip(pauses[1:6], pauses, strict=False):
            assert pause > before
        assert 0.5 < pauses[0] < 1.3
        assert max(pauses) <= LONGEST_PAUSE * 1.2

    def test_it_gives_up_after_four_attempts_and_says_why(self, company_with, git):
        who = company_with(DENY_UNSIGNED)
        request = ask(who)
        git.fail()
        for attempt in range(1, GIVE_UP_AFTER + 1):
            git.come(request)
            facts = request.snapshot.facts["git.signature"]
            gave_up = attempt == GIVE_UP_AFTER
            assert facts["unknown"] == ("unavailable" if gave_up else "pending")
        assert "nothing answers at its address" in facts["reason"]
        assert request.verdict.outcome == "blocked"
        assert request.status == "pending", "never approved, and on the screen"
        assert reading(request).next_try is not None, "still asked for, slowly"

    @pytest.mark.parametrize("error", [ValueError("x"), RecursionError(), KeyError("git.head")])
    def test_whatever_a_source_raises_is_a_failure_with_a_reason(self, shop, git, error):
        request = ask(shop)
        git.says = error
        for _ in range(GIVE_UP_AFTER):
            git.come(request)
        state = request.snapshot.facts["git.head"]
        assert state["unknown"] == "unavailable"
        assert type(error).__name__ in state["reason"]

    def test_a_source_that_comes_back_replaces_unknown(self, company_with, git):
        request = ask(company_with(DENY_UNSIGNED))
        said, git.says = {"git.signature": "good", "git.authors": []}, None
        git.fail()
        for _ in range(GIVE_UP_AFTER):
            git.come(request)
        git.says = said
        git.come(request)
        assert (request.status, request.verdict.outcome) == ("approved", "allow")
        assert reading(request).attempts == 0

    def test_one_failure_does_not_take_a_known_fact_away_but_silence_does(self, shop, git):
        request = git.come(ask(shop))
        git.fail()
        for _ in range(GIVE_UP_AFTER - 1):
            git.come(request)
            assert request.snapshot.facts["git.head"]["value"] == HEAD
        git.come(request)
        assert request.snapshot.facts["git.head"]["unknown"] == "unavailable"


class TestVerdict:
    def test_a_deny_at_hand_does_not_wait_for_the_source(self, company_with, git):
        request = ask(company_with(DENY_BY_TIER), "testing")
        assert (request.status, git.asked, due_readings()) == ("denied", 0, [])

    def test_it_waits_for_what_could_deny(self, company_with, git):
        request = ask(company_with(DENY_UNSIGNED))
        assert request.status == "submitted"
        git.says = {"git.signature": "none"}
        assert git.come(request).status == "denied"

    def test_a_request_that_still_gathers_has_a_deadline(self, company_with):
        request = ask(company_with(DENY_UNSIGNED))
        assert request.status == "submitted"
        assert request.decide_by - request.created_at < timedelta(hours=24, seconds=5)

    def test_unchanged_facts_write_nothing(self, shop, git):
        request = git.come(ask(shop))
        before = written(request)
        git.come(request)
        assert (written(request), git.asked) == (before, 2)

    def test_changed_facts_are_kept_judged_and_announced(self, company_with, git):
        request = ask(company_with(TWO_FOR_LARGE))
        git.says = {**WRITERS, "git.diff_lines": 5}
        before = written(git.come(request))
        git.says = {**WRITERS, "git.diff_lines": 500}
        assert written(git.come(request)) == tuple(
            n + more for n, more in zip(before, (1, 1, 2, 1), strict=True)
        )
        assert request.needed > 1

    def test_the_people_there_are_enough_when_a_new_verdict_asks_for_fewer(self, company_with, git):
        request = ask(company_with(TWO_FOR_LARGE))
        git.says = {**WRITERS, "git.diff_lines": 500}
        decide(git.come(request), person_who(request, "alice"))
        assert request.status == "pending"
        git.says = {**WRITERS, "git.diff_lines": 5}
        assert git.come(request).status == "approved"

    def test_a_group_emptied_while_it_waits_denies_with_the_cause(self, shop, git):
        request = git.come(ask(shop))
        assert request.status == "pending"
        group = ApproverGroup.objects.get(name="team-leads")
        for member in (shop.alice, shop.bob):
            remove_member(by=shop.admin, group=group, person=member)
        assert git.come(request).status == "denied"
        entry = Entry.objects.get(request=request.pk, type="request.denied")
        assert b"no-eligible-approver" in bytes(entry.payload)


class TestAuthors:
    def test_nobody_decides_before_the_authors_are_known(self, shop, git):
        request = ask(shop)
        assert request.status == "pending"
        with pytest.raises(Conflict, match="still being read"):
            decide(request, shop.alice)
        assert decide(git.come(request), shop.alice).status == "approved"

    def test_who_turns_out_to_have_written_it_counts_no_longer(self, company_with, git):
        who = company_with('  - {id: two, when: "true", require: {count: 2, from: [team-leads]}}\n')
        group = ApproverGroup.objects.get(name="team-leads")
        add_member(by=who.admin, group=group, person=person(who.admin, "Cleo Lead"))
        request = decide(git.come(ask(who)), who.alice)
        assert request.given == 1
        git.says = {**git.says, "git.authors": ["alice@example.com"]}
        git.come(request)
        assert (request.status, request.given) == ("pending", 0)
        assert decide(request, who.bob).status == "pending"

    def test_nobody_decides_while_a_silent_source_hides_the_authors(self, shop, git):
        request = ask(shop)
        says = git.says
        git.fail()
        for _ in range(GIVE_UP_AFTER):
            git.come(request)
        with pytest.raises(Conflict, match="nothing answers"):
            decide(request, shop.alice)
        git.says = says
        assert decide(git.come(request), shop.alice).status == "approved"


def person_who(request, username):
    from portal.accounts.models import User

    return User.objects.get(username=username)


def test_make_due_is_what_the_sweep_sees(shop, git):
    request = git.come(ask(shop))
    assert due_readings() == []
    make_due(request)
    assert due_readings() == [(request.id, "git")]
