"""The page Seal, as an auditor sees it."""

from datetime import timedelta

import pytest

from portal.access import grant_role
from portal.kernel.clock import now
from tests.factories import person
from tests.integration.sealing.test_proofs import seal_portal, write_entry


@pytest.fixture
def auditor(who, client):
    """Somebody who audits one project only."""
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=who.project)
    client.force_login(found)
    return client


@pytest.mark.django_db(transaction=True)
def test_it_tells_how_far_the_ledger_is_sealed(auditor, tmp_path, monkeypatch):
    seal_portal(tmp_path / "key.pem")
    page = auditor.get("/audit/seal/").content.decode()
    assert "countersign.example/log/tests" in page
    assert "Behind" not in page
    write_entry()
    monkeypatch.setattr("approvals.views.seal.now", lambda: now() + timedelta(minutes=1))
    page = auditor.get("/audit/seal/").content.decode()
    assert "the sealer is not running" in page
    assert ">1 · the oldest" in page
