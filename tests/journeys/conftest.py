"""One running portal for the journeys of an xdist worker."""

import pytest

from tests.journeys.portal import running_portal


@pytest.fixture(scope="package")
def portal():
    """The portal; package, not session: it is gone before the worker goes on to other tests."""
    with running_portal() as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_left_waiting(portal):
    """Every journey begins and ends with an empty queue."""
    yield
    portal.end_runs()
