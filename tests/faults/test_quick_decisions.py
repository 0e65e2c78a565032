"""People who decide while the pipeline has not even begun to wait."""

import pytest

from approvals.models import Permit, Request
from tests.faults.house import Life, live_together
from tests.races.together import agree


def decisions_within_a_second(house, commit, number):
    """As many pipelines, decided 0 to 1 s after their POST: each is released exactly once."""
    lives = [
        Life(house, commit, f"quick-{one}", pause=one / max(1, number - 1)) for one in range(number)
    ]
    for some in range(0, number, 20):
        live_together(lives[some : some + 20])
    assert Request.objects.count() == Permit.objects.count() == number
    for life in lives:
        assert agree(Request.objects.get(pk=life.request)).status == "redeemed"


def test_20_decisions_within_a_second_of_the_post(house, commit):
    decisions_within_a_second(house, commit, 20)


@pytest.mark.long
def test_200_decisions_within_a_second_of_the_post(house, commit):
    decisions_within_a_second(house, commit, 200)
