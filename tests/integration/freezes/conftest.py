"""A company whose policy denies during a freeze."""

import pytest

from approvals.lifecycle.receipt import ensure_signing_key
from tests import factories

RULE = "  - {id: freeze, when: ops.freeze, deny: 'Change freeze ({ops.freeze_reason}).'}\n"
POLICY = factories.STAGING_AUTO.replace("rules:\n", f"rules:\n{RULE}")


@pytest.fixture
def frozen(db):
    """The company of factories with one rule more."""
    ensure_signing_key()
    return factories.company(POLICY)
