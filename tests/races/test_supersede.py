"""Two newer requests at once, and a decision that meets its request's end."""

import pytest

from approvals.lifecycle.decide import record_decision
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.lifecycle.supersede import retire_older, unfinished
from tests import factories
from tests.factories import ask
from tests.races.together import agree, errors, later, together

REPEAT = 6


@pytest.fixture
def one_each(transactional_db):
    """The company of factories where the newest request for a target is the only one."""
    ensure_signing_key()
    return factories.company(factories.STAGING_AUTO + "supersede: environment\n")


def test_of_two_newer_ones_at_once_only_the_newest_waits(one_each):
    for _ in range(REPEAT):
        results = together(*[lambda: ask(one_each)] * 3)
        assert errors(results) == []
        requests = sorted((result.value for result in results), key=lambda one: one.pk)
        marked = unfinished() * 2  # each message may come twice
        assert errors(together(*[lambda i=i: retire_older(i) for i in marked])) == []
        assert [agree(one).status for one in requests] == ["superseded", "superseded", "pending"]
        assert unfinished() == []
        agree(requests[-1])


def test_a_decision_and_a_newer_request_end_it_in_one_way(one_each):
    for number in range(REPEAT):
        first, second = ask(one_each), ask(one_each)

        def vote(request=first):
            return record_decision(
                by=one_each.alice,
                request_id=request.id,
                outcome="approve",
                comment="Fine",
                snapshot_digest=request.snapshot.digest,
            )

        voted, retired = together(
            later(2 * number, vote), lambda second=second: retire_older(second.id)
        )
        assert retired.error is None
        ends = agree(first).status
        assert ends == ("approved" if voted.error is None else "superseded")
        assert errors([voted]) == ([] if ends == "approved" else ["Conflict"])
        assert agree(second).status == "pending"
