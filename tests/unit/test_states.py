"""The table of moves: every pair of statuses is in it or refused, and some may never be in it."""

import itertools

import pytest

from approvals.states import (
    OPEN,
    OVER,
    PERMIT_TRANSITIONS,
    TRANSITIONS,
    WAITING,
    PermitStatus,
    Status,
    may_move,
)
from portal.ledger.events import EVENTS

ALLOWED = """\
submitted: pending approved denied withdrawn expired superseded
pending: approved rejected denied expired withdrawn superseded
approved: redeemed pending expired withdrawn revoked
"""
PERMIT_ALLOWED = """\
issued: running expired
running: succeeded failed lost
lost: succeeded failed
"""


def pairs(text):
    return {
        (old, new)
        for old, _, news in (line.partition(": ") for line in text.splitlines())
        for new in news.split()
    }


@pytest.mark.parametrize(("old", "new"), [*itertools.product(Status, Status)])
def test_every_move_is_in_the_design_or_refused(old, new):
    assert may_move(old, new) is ((str(old), str(new)) in pairs(ALLOWED))


@pytest.mark.parametrize(("old", "new"), [*itertools.product(PermitStatus, PermitStatus)])
def test_every_move_of_a_permit_is_in_the_design_or_refused(old, new):
    assert ((old, new) in PERMIT_TRANSITIONS) is ((str(old), str(new)) in pairs(PERMIT_ALLOWED))


def test_what_is_over_stays_over():
    assert not {old for old, _ in TRANSITIONS} & OVER
    assert set(Status) == OPEN | OVER
    assert not OPEN & OVER


def test_only_an_approval_is_redeemed_and_only_by_redeeming():
    assert {old for old, new in TRANSITIONS if new == Status.REDEEMED} == {Status.APPROVED}
    assert TRANSITIONS[Status.APPROVED, Status.REDEEMED] == "permit.issued"


def test_only_drift_leads_back():
    assert {
        move: event for move, event in TRANSITIONS.items() if move[0] not in WAITING and
        move[1] in WAITING
    } == {(Status.APPROVED, Status.PENDING): "drift.found"}  # fmt: skip


def test_every_move_has_an_event_of_the_ledger():
    assert {*TRANSITIONS.values(), *PERMIT_TRANSITIONS.values()} <= set(EVENTS)
