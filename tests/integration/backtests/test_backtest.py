"""A backtest from its start to its end, also when workers die on the way."""

import json
from datetime import timedelta

import pytest

from approvals.backtest import crew, run
from approvals.backtest.result import Result
from approvals.backtest.run import GIVE_UP_AFTER, due_backtests, run_backtest
from approvals.backtest.seen import backtest_of, mark_seen, seen_by
from approvals.backtest.start import Wish, cancel_backtest, start_backtest
from approvals.lifecycle.propose import propose
from approvals.models import Backtest, BacktestChange
from approvals.tasks import sweep
from policies.governance import PUBLISHERS
from policies.models import Policy
from policies.publishing import create_policy
from portal.access import grant_role
from portal.directory.groups import add_member, create_group
from portal.kernel.clock import now
from portal.kernel.errors import Forbidden
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem
from tests.integration.backtests.conftest import LOOSER, STRICTER

pytestmark = pytest.mark.django_db


def entries(kind):
    return [
        json.loads(bytes(entry.payload))
        for entry in Entry.objects.filter(type=f"backtest.{kind}").order_by("id")
    ]


def let_lease_end(backtest):
    held = Backtest.objects.filter(pk=backtest.pk, next_try__isnull=False)
    held.update(next_try=now() - timedelta(seconds=1))


class TestResult:
    def test_it_says_what_would_change_and_counts_the_rest(self, backtest):
        found = backtest()
        assert (found.state, found.done, found.total) == ("done", 6, 6)
        assert found.totals["changes"] == {
            "allow-allow": 2,
            "review-review-more": 3,
            "deny-deny": 1,
        }
        result = Result(found)
        assert str(result.changes[0].change) == "review-review-more"
        assert (result.changed, result.looser, result.decisions) == (3, 0, (3, 6))
        assert {row.rule: row.applies for row in result.rules} == {
            "production-lead": 3,
            "staging-auto": 2,
            "never-testing": 1,
            "default": 1,
        }
        assert BacktestChange.objects.filter(rank=2, change="review-review-more").count() == 3

    def test_looser_verdicts_are_told_apart_and_rules_that_never_fired_are_named(
        self, backtest, draft
    ):
        unused = LOOSER.replace(
            "default:", "  - id: never\n    when: \"request.tier == 'development'\"\n"
            "    deny: No.\ndefault:"
        )  # fmt: skip
        result = Result(backtest(draft(unused)))
        assert (result.changed, result.looser) == (3, 3)
        assert [row.rule for row in result.never] == ["never"]

    def test_facts_that_nobody_read_then_are_counted(self, backtest, draft):
        reads = STRICTER.replace("default:", "  - id: big\n    when: git.diff_lines > 9\n"
                                 "    deny: Too large.\ndefault:")  # fmt: skip
        result = Result(backtest(draft(reads)))
        assert result.missing == [("git.diff_lines", 6)]
        assert {str(row.change): row.unsure for row in result.changes} == {
            "allow-blocked": 2,
            "review-blocked": 3,
            "deny-deny": 1,
        }

    def test_only_the_first_round_counts(self, stored, backtest, draft):
        request = decide(stored.requests[2], stored.alice)
        redeem(stored, request)
        assert backtest().totals["changes"]["review-review-more"] == 3

    def test_a_range_and_a_place_limit_what_is_replayed(self, stored, backtest, draft):
        version = draft()
        assert backtest(version, Wish(most=2)).totals["requests"] == 2
        assert backtest(version, Wish(days=7)).totals["requests"] == 6
        production = Wish(most=1000, place=str(stored.production.pk))
        assert backtest(version, production).totals["requests"] == 3
        assert backtest(version, Wish(days=7, place=str(stored.project.pk))).total == 6

    def test_what_comes_in_after_the_start_is_no_part_of_it(self, stored, backtest):
        found = backtest(finish=False)
        ask(stored, "production")
        assert run_backtest(found.pk)
        found.refresh_from_db()
        assert (found.state, found.total) == ("done", 6)

    def test_a_portal_without_requests_has_a_backtest_too(self, who):
        text = STRICTER.replace("policy: shop", "policy: other")
        version = create_policy(by=who.admin, text=text)
        started, _ = start_backtest(by=who.admin, version=version, wish=Wish(most=10))
        run_backtest(started.pk)
        assert backtest_of(version).total == 0

    def test_a_policy_that_took_no_part_then_is_added(self, stored, backtest):
        text = "policy: other\nfacts: v1\nmatch: {projects: [shop], environments: [staging], " \
            "actions: [deploy]}\ndefault: {require: {count: 1, from: [team-leads]}}\n"  # fmt: skip
        version = create_policy(by=stored.admin, text=text)
        assert backtest(version).totals["changes"] == {"allow-review": 2}

    def test_requests_about_policies_are_replayed_beside_the_built_in_one(
        self, stored, backtest, draft
    ):
        group = create_group(by=stored.admin, name=PUBLISHERS)
        add_member(by=stored.admin, group=group, person=stored.deputy)
        version = draft()
        grant_role(by=stored.admin, to=stored.alice, role="policy-publisher", target=version.policy)
        mark_seen(by=stored.admin, backtest=backtest(version))
        propose(by=stored.admin, version=version, move="publish")
        found = backtest(draft(LOOSER))
        assert (found.totals["requests"], found.totals["unreadable"]) == (7, 0)


class TestWork:
    def test_a_worker_killed_between_parts_changes_no_number(
        self, backtest, draft, small_parts, monkeypatch
    ):
        version = draft()
        whole = backtest(version)
        found = backtest(version, finish=False)
        stored_parts = []
        keep = run._keep

        def die_after_each(*args, **values):
            if stored_parts and len(stored_parts) % 2:
                stored_parts.append("died")
                raise KeyboardInterrupt
            stored_parts.append("kept")
            return keep(*args, **values)

        monkeypatch.setattr(run, "_keep", die_after_each)
        for _ in range(12):
            let_lease_end(found)
            try:
                run_backtest(found.pk)
            except KeyboardInterrupt:
                assert due_backtests() == []
                continue
        monkeypatch.setattr(run, "_keep", keep)
        found.refresh_from_db()
        assert "died" in stored_parts
        assert (found.state, found.totals) == ("done", whole.totals)
        changed = [set(b.changed.values_list("request", "change")) for b in (whole, found)]
        assert changed[0] == changed[1]

    def test_the_same_message_twice_works_once(self, backtest):
        found = backtest(finish=False)
        assert [run_backtest(found.pk) for _ in range(3)] == [True, False, False]
        found.refresh_from_db()
        assert (found.totals["requests"], len(entries("finished"))) == (6, 1)

    def test_while_one_worker_goes_on_another_gets_nothing(
        self, backtest, small_parts, monkeypatch
    ):
        found = backtest(finish=False)
        inner, read = [], run.read_page

        def meanwhile(*args):
            inner.append(run_backtest(found.pk))
            return read(*args)

        monkeypatch.setattr(run, "read_page", meanwhile)
        assert run_backtest(found.pk)
        assert set(inner) == {False}

    def test_a_worker_whose_lease_ran_out_stores_nothing_more(
        self, backtest, small_parts, monkeypatch
    ):
        found = backtest(finish=False)
        read, calls = run.read_page, []

        def somebody_else(*args):
            calls.append(args)
            if len(calls) == 2:
                let_lease_end(found)
                assert run_backtest(found.pk)
            return read(*args)

        monkeypatch.setattr(run, "read_page", somebody_else)
        run_backtest(found.pk)
        found.refresh_from_db()
        assert (found.state, found.totals["requests"]) == ("done", 6)
        assert found.changed.count() == 3

    def test_a_turn_that_is_over_is_handed_on(self, backtest, small_parts, monkeypatch):
        monkeypatch.setattr(run, "LONGEST_TURN", -1.0)
        found = backtest(finish=False)
        turns = 0
        while run_backtest(found.pk):
            turns += 1
            assert turns < 10
        found.refresh_from_db()
        assert (found.state, found.totals["requests"], turns) == ("done", 6, 3)

    def test_a_part_that_takes_too_long_is_stored_as_far_as_it_came(self, backtest, monkeypatch):
        monkeypatch.setattr("policies.replaying.MOST_SECONDS", -1.0)
        assert backtest().totals["requests"] == 6

    def test_two_processes_give_what_one_gives(self, backtest, draft, small_parts, monkeypatch):
        version = draft()
        here = backtest(version)
        monkeypatch.setattr(crew, "WORTH_IT", 0)
        monkeypatch.setattr(crew.os, "cpu_count", lambda: 2)
        assert backtest(version).totals == here.totals

    def test_a_process_that_dies_costs_a_turn_and_no_number(self, backtest, monkeypatch):
        monkeypatch.setattr(crew, "WORTH_IT", 0)
        monkeypatch.setattr(crew, "COMMAND", (crew.sys.executable, "-c", "input()"))
        found = backtest(finish=False)
        for _ in range(GIVE_UP_AFTER):
            let_lease_end(found)
            with pytest.raises((RuntimeError, BrokenPipeError)):
                run_backtest(found.pk)
        let_lease_end(found)
        assert not run_backtest(found.pk)
        found.refresh_from_db()
        assert (found.state, found.next_try) == ("failed", None)
        assert "5 times" in found.error

    def test_the_sweep_finds_what_a_lost_message_left(self, backtest, monkeypatch):
        found = backtest(finish=False)
        told = []
        monkeypatch.setattr("approvals.tasks.publish", lambda *message: told.append(message))
        sweep()
        assert ("approvals.backtest", str(found.pk)) in told

    def test_one_after_the_other(self, stored, backtest, draft):
        first, second = draft(), draft(LOOSER)
        running = backtest(first, finish=False)
        waiting = backtest(second, finish=False)
        Backtest.objects.filter(pk=running.pk).update(
            state="running", next_try=now() + timedelta(seconds=20)
        )
        assert not run_backtest(waiting.pk)
        let_lease_end(running)
        assert run_backtest(waiting.pk)


class TestStartAndCancel:
    def test_pressing_twice_starts_once(self, stored, draft):
        version = draft()
        found = [start_backtest(by=stored.admin, version=version, wish=Wish(most=9))
                 for _ in range(2)]  # fmt: skip
        assert [new for _, new in found] == [True, False]
        assert found[0][0] == found[1][0]
        assert len(entries("started")) == 1

    def test_cancelled_between_parts_it_stops_and_stays_so(
        self, stored, backtest, small_parts, monkeypatch
    ):
        found = backtest(finish=False)
        read, calls = run.read_page, []

        def cancel_on_the_way(*args):
            calls.append(args)
            if len(calls) == 3:
                cancel_backtest(by=stored.admin, backtest=found)
            return read(*args)

        monkeypatch.setattr(run, "read_page", cancel_on_the_way)
        run_backtest(found.pk)
        found.refresh_from_db()
        assert (found.state, found.done, due_backtests()) == ("cancelled", 2, [])
        assert not run_backtest(found.pk)
        cancel_backtest(by=stored.admin, backtest=found)
        assert [entry["outcome"] for entry in entries("finished")] == ["cancelled"]
        assert backtest_of(found.version) is None

    @pytest.mark.parametrize("name", ["alice", "carol", "mallory"])
    def test_it_is_for_who_may_draft_or_publish(self, stored, backtest, draft, name):
        version, person = draft(), getattr(stored, name)
        found = backtest(version, finish=False)
        with pytest.raises(Forbidden):
            start_backtest(by=person, version=version, wish=Wish(most=9))
        with pytest.raises(Forbidden):
            cancel_backtest(by=person, backtest=found)
        assert cancel_backtest(by=stored.deputy, backtest=found).state == "cancelled"

    def test_the_ledger_names_the_version(self, backtest):
        found = backtest()
        for kind, outcome in (("started", ""), ("finished", "done")):
            (entry,) = entries(kind)
            assert entry["policy"]["digest"] == found.version.digest
            assert (entry["object"]["id"], entry["outcome"]) == (str(found.pk), outcome)


class TestSeen:
    def test_who_read_the_result_is_recorded_once(self, stored, backtest):
        found = backtest()
        assert not seen_by(found.version, stored.deputy)
        for _ in range(2):
            mark_seen(by=stored.deputy, backtest=found)
        assert seen_by(found.version, stored.deputy)
        assert not seen_by(found.version, stored.admin)
        assert not seen_by(Policy.objects.get().versions.get(number=1), stored.deputy)
        assert len(entries("seen")) == 1

    def test_one_that_is_not_finished_cannot_be_seen(self, stored, backtest):
        found = backtest(finish=False)
        mark_seen(by=stored.deputy, backtest=found)
        assert not seen_by(found.version, stored.deputy)
        assert backtest_of(found.version) is None
