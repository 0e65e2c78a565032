"""A project at a GitLab on loopback, connected; every answer is read by python-gitlab, too."""

from copy import copy
from dataclasses import replace
from datetime import timedelta
from shutil import copytree

import pytest

from approvals.connections.configure import create_connection
from approvals.context import fetch as asking
from approvals.context import parts
from approvals.context.collect import Asked, ask
from approvals.context.configured import Configured
from approvals.context.connected import Connected
from approvals.context.registry import CONNECTED
from policies.language.facts import Known
from portal.accounts.people import found_portal
from portal.kernel.clock import now
from tests.factories import PASSWORD
from tests.gitlab import NUMBER, START, TOKEN, GitLab
from tests.integration.context.repositories import Repo, question
from tests.integration.gitlab.reader import read_by_python_gitlab

SEEN_AT = START + timedelta(hours=10)


def one_after_the_other(*asked):
    """In place of `side_by_side`: threads do not see what a test has not committed."""
    return {name: value for ask in asked for name, value in ask().items()}


@pytest.fixture(scope="session")
def shop_once(tmp_path_factory):
    """A repository with a first commit that runs, and one after it."""
    repo = Repo(tmp_path_factory.mktemp("shop") / "once")
    repo.old = repo.commit({"prices.py": b"1\n2\n", "gone.txt": b"x\n"}, "Begin")
    repo.new = repo.commit(
        {"prices.py": b"1\nzwei\ndrei\n", "gone.txt": None},
        "Raise the price\n\nBecause of beans.",
        GIT_AUTHOR_EMAIL="ana@example.com",
    )
    return repo


@pytest.fixture
def shop(shop_once, tmp_path):
    """A copy of it that a test may change."""
    repo = copy(shop_once)
    repo.folder = copytree(shop_once.folder, tmp_path / "shop")
    return repo


@pytest.fixture
def lab(shop, monkeypatch):
    """The GitLab of these tests."""
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(parts, "side_by_side", one_after_the_other)
    server = GitLab(shop)
    yield server
    server.close()
    read_by_python_gitlab(server)


@pytest.fixture
def connect(lab, db):
    """Connect it for the whole organisation; what is given are settings."""
    admin = found_portal(organisation="Example", username="admin", name="Ada", password=PASSWORD)

    def act(**settings):
        return create_connection(
            by=admin,
            kind="gitlab",
            name=f"our gitlab {settings}",
            project=None,
            settings={"url": lab.url, "project": str(NUMBER), **settings},
            secrets={"token": TOKEN},
            private=True,
        )

    return act


@pytest.fixture
def answer(connect):
    """What the source says about a commit, through one connection."""
    made = []

    def act(commit, running="", *, fresh=False, branch="main", **settings):
        made.append(made[0] if made and not settings else connect(**settings))
        row = made[-1]
        configured = Configured(row.pk, row.kind, row.name, row.settings)
        source = Connected(CONNECTED["gitlab"], configured)
        asked = Asked(source, frozenset(fact.name for fact in source.fact_types()))
        about = question("", commit, running=running, branch=branch)
        return ask(asked, replace(about, now=now() if fresh else SEEN_AT, fresh=fresh))

    return act


@pytest.fixture
def facts(answer):
    """The same as values by name (or the Unknown); fails when the source failed."""

    def act(commit, running="", **more):
        said = answer(commit, running, **more)
        assert said.error == ""
        return {
            name: state.value if isinstance(state, Known) else state
            for name, state in said.states.items()
        }

    return act
