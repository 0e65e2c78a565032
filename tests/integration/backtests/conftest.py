"""Stored requests, and a version of the policy that judged them."""

import pytest

from approvals.backtest import run
from approvals.backtest.start import Wish, start_backtest
from policies.models import Policy
from policies.publishing import save_version
from tests.factories import STAGING_AUTO, ask

LEAD = "    require: {count: 1, from: [team-leads]}\ndefault"
STRICTER = STAGING_AUTO.replace(LEAD, LEAD.replace("count: 1", "count: 2"))
LOOSER = STAGING_AUTO.replace("request.tier == 'staging'", "request.tier != 'testing'").replace(
    LEAD, "    limit: {valid_for: 10m}\ndefault"
)


@pytest.fixture
def stored(who):
    """Two auto-approved, three that asked one person, one denied."""
    who.requests = [ask(who, tier) for tier in ["staging"] * 2 + ["production"] * 3 + ["testing"]]
    return who


@pytest.fixture
def draft(stored):
    """Save a version nobody has published; its number is 2."""

    def make(text=STRICTER):
        return save_version(by=stored.admin, policy=Policy.objects.get(), text=text)

    return make


@pytest.fixture
def backtest(stored, draft):
    """Start one of a version, and work on it to its end where wanted."""

    def make(version=None, wish=Wish(most=1000), *, finish=True):  # noqa: B008
        started, _ = start_backtest(by=stored.admin, version=version or draft(), wish=wish)
        while finish and run.run_backtest(started.pk):
            pass
        started.refresh_from_db()
        return started

    return make


@pytest.fixture
def small_parts(monkeypatch):
    """Two requests a part."""
    monkeypatch.setattr(run, "PAGE", 2)
