"""The company, once inside a transaction for quick calls, once committed for the real server."""

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories
from tests.server import portal_server  # noqa: F401  (a fixture)


@pytest.fixture
def committed(transactional_db):
    """The company where another process sees it."""
    ensure_signing_key()
    return factories.company()
