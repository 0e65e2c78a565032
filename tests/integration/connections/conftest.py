"""A forge that is played by a server on loopback, and a source that reads it."""

from datetime import timedelta

import pytest

from approvals.connections.configure import create_connection
from approvals.context.connected import ConnectedSource, Field
from approvals.context.fetch import NotThere
from approvals.context.registry import CONNECTED
from tests.factories import COMMIT
from tests.remote import Remote, Says

WRITER = "wendy@example.com"  # who is nobody here; without writers nobody may decide
WRITERS = {"git.author": WRITER, "git.committer": WRITER, "git.authors": [WRITER]}
GOOD = {"head": COMMIT, "signature": "good"}


class Forge(ConnectedSource):
    """Reads `/commits/SHA`, which says head and signature."""

    name = "forge"
    title = "Forge"
    gives = ("git",)
    fields = (
        Field("url", "Address", "url"),
        Field("token", "Token", "secret"),
        Field("team", "Team", required=False),
    )
    budget = 3.0
    time_to_live = timedelta(seconds=30)

    def names(self, connection):
        return frozenset({"git.exists", "git.head", "git.signature", *WRITERS})

    def check(self, fetch):
        return f"It is version {fetch.json('version')['version']}."

    def read(self, question, fetch):
        headers = {"Authorization": f"Bearer {fetch.secrets['token']}"}
        try:
            said = fetch.json(f"commits/{question.commit}", headers=headers)
        except NotThere:
            return {"git.exists": False}
        return {
            "git.exists": True,
            "git.head": said["head"],
            "git.signature": said["signature"],
            **WRITERS,
        }


@pytest.fixture
def forge(monkeypatch):
    """The server; `/commits/1111…` says GOOD."""
    monkeypatch.setitem(CONNECTED, "forge", Forge())
    monkeypatch.setattr("approvals.context.fetch.FIRST_PAUSE", 0.001)
    remote = Remote()
    remote.path = f"/commits/{COMMIT}"
    remote.paths[remote.path] = Says(GOOD)
    remote.paths["/version"] = Says({"version": "9.1"})
    yield remote
    remote.close()


@pytest.fixture
def connect(forge):
    """Connect the forge through the real service; the row."""

    def act(who, **more):
        given = {
            "by": who.admin,
            "kind": "forge",
            "name": "our forge",
            "project": who.project,
            "settings": {"url": forge.url},
            "secrets": {"token": "glpat-secret"},
            "private": True,
            **more,
        }
        return create_connection(**given)

    return act


@pytest.fixture
def shop(who, connect):
    """The company of factories with its forge connected."""
    who.connection = connect(who)
    return who
