"""Decisions against each other, against the clock and against the world."""

from datetime import UTC, datetime

import pytest

from approvals.lifecycle.decide import record_decision
from approvals.lifecycle.enrich import read_source
from approvals.models import Decision, Reading, Request
from approvals.states import Status
from policies.models import Policy
from policies.publishing import publish_version, save_version
from portal.accounts.authentication import authenticate_token
from portal.directory.models import Project
from portal.kernel.clock import now
from tests.attacks.conftest import WRITTEN_BY_A_STRANGER
from tests.factories import STAGING_AUTO, ask
from tests.races.together import agree, behind, errors, later, together

REPEAT = 6


def vote(request, person, outcome="approve", digest=None):
    return record_decision(
        by=person,
        request_id=request.id,
        outcome=outcome,
        comment="Looked at it",
        snapshot_digest=digest or request.snapshot.digest,
    )


def test_an_approve_and_a_reject_at_once_end_in_one_of_them(who):
    for _ in range(REPEAT):
        request = ask(who)
        results = together(
            lambda r=request: vote(r, who.alice), lambda r=request: vote(r, who.bob, "reject")
        )
        assert errors(results) == ["Conflict"]
        decision = Decision.objects.get(request=request)
        ends = {"approve": Status.APPROVED, "reject": Status.REJECTED}
        assert agree(request).status == ends[decision.outcome]


def test_two_last_votes_at_once_are_both_counted(pairs):
    for _ in range(REPEAT):
        request = ask(pairs)
        results = together(
            lambda r=request: vote(r, pairs.alice), lambda r=request: vote(r, pairs.bob)
        )
        assert errors(results) == []
        after = agree(request)
        assert (after.status, after.given) == (Status.APPROVED, 2)


def test_one_of_two_and_a_reject_at_once_is_never_approved(pairs):
    for _ in range(REPEAT):
        request = ask(pairs)
        together(
            lambda r=request: vote(r, pairs.alice), lambda r=request: vote(r, pairs.bob, "reject")
        )
        assert agree(request).status == Status.REJECTED


def test_one_person_at_two_screens_votes_once(pairs):
    for _ in range(REPEAT):
        request = ask(pairs)
        results = together(*[lambda r=request: vote(r, pairs.alice)] * 4)
        assert errors(results) == ["Conflict"] * 3
        assert (agree(request).status, Decision.objects.filter(request=request).count()) == (
            Status.PENDING,
            1,
        )


@pytest.fixture
def moving_head(who, monkeypatch):
    """Every reading of the repository finds another head, and the policy holds it."""
    _has_repository(who)
    version = save_version(
        by=who.admin,
        policy=Policy.objects.get(),
        text=STAGING_AUTO.replace("hold: [request.commit]", "hold: [git.head]"),
    )
    publish_version(by=who.deputy, version=version)
    heads = iter(range(10_000))
    monkeypatch.setattr(
        "approvals.context.sources.git.GitSource.read",
        lambda self, question: {**WRITTEN_BY_A_STRANGER, "git.head": f"{next(heads):040d}"},
    )
    return who


def read_and_due_again(who):
    """A request that waits for people, whose source is to be read again."""
    request = ask(who)
    assert read_source(request.id, "git")
    request.refresh_from_db()
    Reading.objects.filter(request=request).update(next_try=now())
    return request


def test_a_decision_and_a_new_snapshot_never_cross(moving_head):
    """Either the decision stands on the facts of its moment, or it is refused with what moved."""
    for number in range(REPEAT):
        request = read_and_due_again(moving_head)
        voted, renewed = together(
            later(4 * number, lambda r=request: vote(r, moving_head.alice)),
            lambda r=request: read_source(r.id, "git"),
        )
        assert renewed.value is True
        after = agree(request)
        if voted.error is None:
            decision = Decision.objects.get(request=request)
            assert after.status == Status.APPROVED
            assert decision.snapshot_id == request.snapshot_id == after.snapshot_id
        else:
            assert_says_what_moved(voted, after)


def test_a_decision_that_waited_for_a_new_snapshot_says_what_moved(moving_head):
    """The row is locked by whoever brings the new facts when the decision comes in."""
    request = read_and_due_again(moving_head)
    voted = behind(lambda: read_source(request.id, "git"), lambda: vote(request, moving_head.alice))
    assert_says_what_moved(voted, agree(request))


def assert_says_what_moved(voted, after):
    assert errors([voted]) == ["SnapshotMoved"]
    assert {change["fact"] for change in voted.error.extra["changes"]} == {"git.head"}
    assert after.status == Status.PENDING


def _has_repository(who):
    """Where it is does not matter: reading is played."""
    Project.objects.filter(pk=who.project.pk).update(repository="/nowhere")
    who.token = authenticate_token(who.secret)


def test_two_workers_read_a_source_once(who, monkeypatch):
    _has_repository(who)
    asked = []

    def read(self, question):
        asked.append(question.request_id)
        return {"git.exists": True}

    monkeypatch.setattr("approvals.context.sources.git.GitSource.read", read)
    for _ in range(REPEAT):
        request = ask(who)
        asked.clear()
        results = together(*[lambda r=request: read_source(r.id, "git")] * 4)
        assert sorted(result.value for result in results) == [False, False, False, True]
        assert asked == [request.id]
        agree(request)


def test_a_decision_after_the_deadline_is_refused_though_nothing_swept(who):
    request = ask(who)
    Request.objects.filter(pk=request.pk).update(decide_by=datetime(2020, 1, 1, tzinfo=UTC))
    (result,) = together(lambda: vote(request, who.alice))
    assert errors([result]) == ["Conflict"]
    assert agree(request).status == Status.PENDING
