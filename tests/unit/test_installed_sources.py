"""Sources of installed packages: what is taken in and what stops the start, with a sentence."""

from importlib.metadata import EntryPoint

import pytest

from approvals.context import installed
from approvals.context.connected import ConnectedSource, Field
from approvals.context.registry import SOURCES
from portal.config.checks import sources_are_usable


class Fine(ConnectedSource):
    name = "weather"
    title = "Weather"
    gives = ("git",)

    def check(self, fetch):
        return "sunny"

    def read(self, question, fetch):
        return {}


class Half(ConnectedSource):
    name, title, gives = "half", "Half", ("git",)

    def check(self, fetch):
        return ""


class Taken(Fine):
    name = "git"


class Spaces(Fine):
    name = "The Weather"


class Told(Fine):
    name, gives = "told", ("request",)


class Nothing(Fine):
    name, gives = "nothing", ("stars",)


class Slow(Fine):
    name, budget = "slow", 600.0


class Twice(Fine):
    name = "twice"
    fields = (Field("a", "A"), Field("a", "B"))


class Reserved(Fine):
    name = "reserved"
    fields = (Field("private", "Private"),)


Text = "no class at all"


class Nameless(ConnectedSource):
    def check(self, fetch):
        return ""

    def read(self, question, fetch):
        return {}


@pytest.fixture
def offer(monkeypatch):
    """What the registry makes of packages that bring these objects of this module."""

    def act(*names):
        entries = [EntryPoint(name, f"{__name__}:{name}", installed.GROUP) for name in names]
        monkeypatch.setattr(installed, "entry_points", lambda group: entries)
        monkeypatch.setattr(EntryPoint, "load", lambda entry: globals()[entry.attr], raising=True)
        return installed.installed_sources((), SOURCES.values())

    return act


def test_a_source_of_a_package_is_one_of_ours(offer):
    sources, problems = offer("Fine")
    assert (list(sources), problems) == (["weather"], ())


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Half", "does not define read"),
        ("Taken", "the name “git” is taken"),
        ("Spaces", "is not made of small letters"),
        ("Told", "request.* are told by the portal itself"),
        ("Nothing", "there are no facts stars.*"),
        ("Slow", "between 0 and 60 seconds"),
        ("Twice", "two of its fields have the same name"),
        ("Reserved", "cannot be named “private”"),
        ("Nameless", "has no name and no title and no gives"),
        ("Text", "no subclass of ConnectedSource"),
        ("missing", "cannot be imported (KeyError"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(offer, name, words):
    sources, problems = offer(name, "Fine")
    assert list(sources) == ["weather"]
    assert words in problems[0]
    assert problems[0].startswith(f"The source {name} = {__name__}:{name} cannot be used: ")


def test_two_packages_with_one_name(offer):
    sources, problems = offer("Fine", "Fine")
    assert list(sources) == ["weather"]
    assert "the name “weather” is taken" in problems[0]


def test_the_portal_does_not_start_with_one_of_them(monkeypatch):
    assert sources_are_usable() == []
    monkeypatch.setattr("portal.config.checks.PROBLEMS", ("The source x cannot be used: y.",))
    (found,) = sources_are_usable()
    assert (found.id, found.msg) == ("countersign.E003", "The source x cannot be used: y.")
    assert found.is_serious()
