"""Real connections need committed rows: the company here is there for every thread."""

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories


@pytest.fixture
def who(transactional_db):
    """The company of factories, committed; the tables are emptied afterwards."""
    ensure_signing_key()
    return factories.company()


@pytest.fixture
def pairs(transactional_db):
    """The same company where production asks for two people."""
    ensure_signing_key()
    return factories.company(factories.STAGING_AUTO.replace("{count: 1,", "{count: 2,"))
