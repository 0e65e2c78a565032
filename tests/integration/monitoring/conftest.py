"""Prometheus and Alertmanager, real ones and one that says what a test wants."""

from contextlib import ExitStack
from threading import Event

import pytest

from approvals.connections.configure import create_connection
from approvals.context.collect import ask as ask_source
from approvals.context.collect import question_about, remote_source
from policies.language.facts import Known
from portal.kernel.clock import now
from tests.factories import ask
from tests.integration.monitoring.servers import Monitoring
from tests.remote import Remote


@pytest.fixture(scope="session")
def monitoring(tmp_path_factory):
    """The real ones, for all tests of a worker."""
    with ExitStack() as stack:
        yield Monitoring(stack, tmp_path_factory.mktemp("monitoring"))


@pytest.fixture
def remote(monkeypatch):
    """A server that says what a test wants."""
    monkeypatch.setattr("approvals.context.fetch.FIRST_PAUSE", 0.001)
    found = Remote()
    yield found
    found.close()


@pytest.fixture
def hold():
    """An event to wait for, that comes when the test is over."""
    event = Event()
    yield event
    event.set()


@pytest.fixture
def connect(who):
    """Connect a system of this kind at this address through the real service; the row."""

    def act(kind, url, secrets=None, **settings):
        return create_connection(
            by=who.admin,
            kind=kind,
            name=f"our {kind}",
            project=who.project,
            settings={"url": url, **settings},
            secrets=secrets or {},
            private=True,
        )

    return act


@pytest.fixture
def question(who):
    """What is asked about a new request."""
    return lambda **more: question_about(ask(who, **more), now())


@pytest.fixture
def read(question):
    """What a connection says about a new request: values, or Unknowns, by name; and its error."""

    def act(connection, **more):
        asked = question(**more)
        found = ask_source(remote_source(asked, f"{connection.kind}:{connection.pk}"), asked)
        values = {
            name: state.value if isinstance(state, Known) else state
            for name, state in found.states.items()
        }
        return values, found.error

    return act
