"""A repository at a GitHub on loopback, connected."""

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from approvals.connections.configure import create_connection
from approvals.context import fetch as asking
from approvals.context import parts
from approvals.context.collect import Asked, ask
from approvals.context.configured import Configured
from approvals.context.connected import Connected
from approvals.context.registry import CONNECTED
from approvals.context.sources.github import api
from approvals.context.sources.github.credentials import Installations
from approvals.models import Connection
from policies.language.facts import Known
from portal.accounts.people import found_portal
from portal.kernel.clock import now
from tests.factories import PASSWORD
from tests.github import INSTALLATION, NUMBER, START, TOKEN, GitHub
from tests.integration.context.repositories import Repo, question

APP = {"app": "Iv1.8a61", "installation": str(INSTALLATION)}
SEEN_AT = START + timedelta(hours=10)


def one_after_the_other(*asked):
    """In place of `side_by_side`: threads do not see what a test has not committed."""
    return {name: value for ask in asked for name, value in ask().items()}


@pytest.fixture
def repo(tmp_path):
    return Repo(tmp_path / "shop")


@pytest.fixture
def hub(repo, monkeypatch):
    """The GitHub of these tests."""
    monkeypatch.setattr(asking, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(parts, "side_by_side", one_after_the_other)
    server = GitHub(repo)
    yield server
    server.close()


@pytest.fixture
def admin(db):
    return found_portal(organisation="Example", username="admin", name="Ada", password=PASSWORD)


@pytest.fixture
def connect(admin, hub):
    """Connect it; what is given are settings."""

    def act(secrets=None, **settings):
        return create_connection(
            by=admin,
            kind="github",
            name=f"our github {Connection.objects.count()}",
            settings={"url": hub.url, "repository": str(NUMBER), **settings},
            secrets={"token": TOKEN} if secrets is None else secrets,
            private=True,
        )

    return act


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@pytest.fixture(scope="session")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def app(hub, key, connect, monkeypatch):
    """Connect as an App; what is given are settings."""
    monkeypatch.setattr(api, "_installations", Installations())
    hub.app_key = key.public_key()

    def act(secret=None, **settings):
        return connect({"private_key": secret or pem(key)}, **{**APP, **settings})

    return act


@pytest.fixture
def answer(connect):
    """What the source says about a commit, through one connection."""
    made = []

    def act(commit, running="", *, fresh=False, branch="main", row=None, **settings):
        made.append(row or (made[0] if made and not settings else connect(**settings)))
        configured = Configured(made[-1].pk, "github", made[-1].name, made[-1].settings)
        source = Connected(CONNECTED["github"], configured)
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


@pytest.fixture
def shop(repo):
    """A first commit that runs, and one after it."""
    repo.old = repo.commit({"prices.py": b"1\n2\n", "gone.txt": b"x\n"}, "Begin")
    repo.new = repo.commit(
        {"prices.py": b"1\nzwei\ndrei\n", "gone.txt": None},
        "Raise the price\n\nBecause of beans.",
        GIT_AUTHOR_EMAIL="ana@example.com",
    )
    return repo
