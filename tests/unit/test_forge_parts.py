"""A forge is read in parts, and only those that people want told."""

import pytest

from approvals.context.connected import BadSetting
from approvals.context.fetch import NotAllowed, NotThere
from approvals.context.forge import OF_BRANCH
from approvals.context.parts import (
    FACTS,
    FORGE,
    OF_CHANGE,
    Part,
    check_wanted,
    of_group,
    read_parts,
    wanted,
)
from approvals.context.source import SourceFailed
from portal.kernel.outgoing import Got


def raising(error):
    def read():
        raise error

    return read


def test_groups_and_single_names_say_what_is_told():
    told = wanted({"facts": "ci git.url\n pr.title"})
    assert told == of_group("ci") | {"git.url", "pr.title"}
    assert wanted({"facts": FACTS.default}) == frozenset().union(*map(of_group, FORGE))
    assert of_group("git") > OF_BRANCH | OF_CHANGE


@pytest.mark.parametrize("word", ["alerts", "git.nothing", "metric.x", "GIT"])
def test_what_no_forge_tells_is_refused(word):
    check_wanted("GitX", {"facts": FACTS.default})
    with pytest.raises(BadSetting, match=f"GitX tells no facts “{word}”"):
        check_wanted("GitX", {"facts": f"git {word}"})


def test_only_parts_with_a_wanted_fact_are_read():
    parts = [
        Part(frozenset({"a", "b"}), "letters", lambda: {"a": 1, "b": 2}),
        Part(frozenset({"c"}), "others", raising(SourceFailed("away"))),
    ]
    assert read_parts("GitX", parts, frozenset({"b"})) == {"a": 1, "b": 2}
    with pytest.raises(SourceFailed, match="away"):
        read_parts("GitX", parts, frozenset({"b", "c"}))


@pytest.mark.parametrize("refusal", [NotAllowed(Got(403, {}, b"")), NotThere("404")])
def test_what_is_not_shown_is_named(refusal):
    with pytest.raises(SourceFailed, match="GitX does not show pipelines to these credentials"):
        read_parts("GitX", [Part(frozenset({"a"}), "pipelines", raising(refusal))], {"a"})
