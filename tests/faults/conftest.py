"""A committed company with a real repository, and the parts of the portal around it."""

import shutil

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories
from tests.faults.house import POLICY, House, make_repository, new_place


@pytest.fixture
def place():
    found = new_place()
    yield found
    shutil.rmtree(found, ignore_errors=True)


@pytest.fixture
def commit(place):
    (place / "repository").mkdir()
    return make_repository(place / "repository")


@pytest.fixture
def who(transactional_db, place, commit):
    """Every request needs the repository to be read, so the worker and the broker matter."""
    ensure_signing_key()
    return factories.company(POLICY, repository=str(place / "repository"))


@pytest.fixture
def house(who, place):
    with House(who, place) as found:
        yield found
