"""A real registry, one that says what a test wants, and a source that reads them."""

from contextlib import ExitStack

import pytest

from approvals.connections.configure import create_connection
from approvals.context.collect import ask as ask_source
from approvals.context.collect import question_about, remote_source
from policies.language.facts import Known
from portal.kernel.clock import now
from tests.factories import ask
from tests.images import Signer, simple_layer
from tests.integration.images.played import Played
from tests.integration.images.registry import Registry
from tests.remote import Remote


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """The real one, for all tests of a worker."""
    with ExitStack() as stack:
        yield Registry(stack, tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="session")
def release():
    """Who may sign."""
    return Signer("release")


@pytest.fixture(scope="session")
def mallory():
    """Who may not."""
    return Signer("mallory")


@pytest.fixture
def remote(monkeypatch):
    """A server that says what a test wants."""
    monkeypatch.setattr("approvals.context.fetch.FIRST_PAUSE", 0.001)
    found = Remote()
    yield found
    found.close()


@pytest.fixture
def played(remote, release):
    """A registry that has one image, signed."""
    found = Played(remote)
    (found.payload,) = found.attach(simple_layer(release, found.digest))
    found.keys = release.setting
    read = found.read
    found.read = lambda **settings: read(**{"keys": found.keys, **settings})
    assert found.read()["signed"] is True
    return found


@pytest.fixture
def elsewhere():
    """Another server."""
    found = Remote()
    yield found
    found.close()


@pytest.fixture
def connect(who, release):
    """Connect a registry through the real service; the row."""

    def act(url, secrets=None, **settings):
        return create_connection(
            by=who.admin,
            kind="image",
            name="our registry",
            project=who.project,
            settings={"url": url, "repository": "{project}", "keys": release.setting, **settings},
            secrets=secrets or {},
            private=True,
        )

    return act


@pytest.fixture
def read(who):
    """What a connection says of an image: values and Unknowns by the last word of their names, and
    its error."""

    def act(connection, digest, fresh=False):
        asked = question_about(ask(who, subject={"artifact": digest}), now(), fresh=fresh)
        found = ask_source(remote_source(asked, f"image:{connection.pk}"), asked)
        values = {
            name.removeprefix("image."): state.value if isinstance(state, Known) else state
            for name, state in found.states.items()
        }
        return values, found.error

    return act
