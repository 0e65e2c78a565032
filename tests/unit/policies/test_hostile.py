"""Hostile conditions and documents cost little and end no process."""

import sys

import pytest

from policies.language.facts import MAX_ITEMS
from tests.unit.policies.hostile import CONDITIONS, DOCUMENTS
from tests.unit.policies.measured import FEW_LONG, measuring

MOST_CPU_S = 0.5
MOST_MIB = 50
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as on Linux")
CASES = [("condition", name) for name in CONDITIONS] + [("document", name) for name in DOCUMENTS]


@pytest.fixture(scope="module")
def server():
    """The process that forks."""
    with measuring() as running:
        yield running


@pytest.mark.parametrize(("kind", "name"), CASES, ids=lambda value: value)
def test_a_hostile_text_is_refused_or_harmless(server, kind, name):
    text, said = {"condition": CONDITIONS, "document": DOCUMENTS}[kind][name]
    for items in MAX_ITEMS, FEW_LONG:
        measured = server.measure(kind, text, items)
        assert measured.cpu_s < MOST_CPU_S, measured
        assert measured.mib < MOST_MIB, measured
        assert said in measured.answer, measured
        assert measured.answer.startswith("refused: ") == bool(said), measured
