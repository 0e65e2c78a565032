"""The page Seal, as an auditor sees it."""

import io
import json
from datetime import timedelta

import pypdf
import pytest
from django.db import connection

from approvals.audit.verification import due_verifications, run_verification
from approvals.models import Verification
from portal.access import grant_role
from portal.kernel.clock import now
from portal.ledger.models import Entry
from portal.ledger.origins import Anchored
from tests.factories import person
from tests.integration.sealing.test_proofs import seal_portal, write_entry

ORIGIN = "INSERT INTO ledger_origin (origin, extension) VALUES (%s, %s)"
CHECKPOINT = """
    INSERT INTO ledger_checkpoint (size, origin, root, snapshot, cluster)
    VALUES (2000000, %s, sha256('x'), '1:1:', 'c')
"""
PLACE = "INSERT INTO ledger_place (place, problem) VALUES (%s, %s)"


@pytest.fixture
def auditor(who, client):
    """Somebody who audits one project only."""
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=who.project)
    client.force_login(found)
    return client


@pytest.mark.django_db
def test_it_tells_how_each_place_does_and_what_the_log_goes_on_from(auditor):
    before = Anchored("countersign.example/log/before", 1204)
    with connection.cursor() as cursor:
        cursor.execute(ORIGIN, ["countersign.example/log/after", before.extension])
        cursor.execute(CHECKPOINT, ["countersign.example/log/after"])
        cursor.execute("INSERT INTO ledger_publication (size, place) VALUES (2000000, 'portal')")
        for place, problem in [("s3://a/b", "refused: NoSuchBucket"), ("git+file:///c#d", "late"),
                               ("git+file:///c#d", "")]:  # fmt: skip
            cursor.execute(PLACE, [place, problem])
    page = auditor.get("/audit/seal/").content.decode()
    assert "countersign.example/log/before</code> at 1,204 entries" in page
    assert page.index("<td>portal</td>") < page.index("<td>git+file:///c#d</td>")
    assert page.index("<td>git+file:///c#d</td>") < page.index("<td>s3://a/b</td>")
    assert "refused: NoSuchBucket" in page
    assert "late ·" not in page


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


@pytest.mark.django_db(transaction=True)
def test_the_statement_of_integrity_names_log_keys_places_and_gaps(auditor, tmp_path):
    seal_portal(tmp_path / "key.pem")
    for wanted in due_verifications():
        run_verification(wanted)
    seal_portal(tmp_path / "key.pem")
    told = auditor.get("/audit/integrity.json").json()
    assert told["origin"] == told["last"]["origin"] == "countersign.example/log/tests"
    assert told["first"]["size"] < told["last"]["size"] == told["signed"] == told["size"]
    assert [one["place"] for one in told["witnesses"]] == ["portal"]
    # Other tests leave entries behind that no service would write, and verification tells them.
    findings = Verification.objects.latest("finished_at").findings
    assert told["verification"]["asked_by"] == "system"
    assert told["verification"]["findings"] == findings
    assert told["keys"]
    assert bool(told["gaps"]) == bool(findings)
    seal_portal(tmp_path / "key.pem")  # that it was taken out is an entry, too
    page = auditor.get("/audit/integrity/").content.decode()
    assert ("No gap known" in page) == (not findings)
    assert told["first"]["root"] in page
    Verification.objects.update(finished_at=now() - timedelta(days=3))
    pdf = auditor.get("/audit/integrity.pdf").content
    found = " ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)
    assert "The whole log was not verified for more than two days." in found
    assert ("Everything holds." in found) == (not findings)
    read = [json.loads(bytes(entry.payload))["object"]
            for entry in Entry.objects.filter(type="evidence.read").order_by("id")]  # fmt: skip
    assert [one["form"] for one in read[-2:]] == ["json", "pdf"]
