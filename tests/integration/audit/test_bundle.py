"""The evidence bundle as an auditor takes it, and who may."""

import base64
import csv
import hashlib
import io
import json
import re
import subprocess
import zipfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Semaphore
from uuid import UUID

import pytest
from django.urls import reverse

from approvals.audit.bundle.closing import wait_for_seal
from approvals.audit.bundle.selection import archived_until, select
from approvals.audit.checkpoint_keys import list_checkpoint_keys
from approvals.audit.exports.run import run_export
from approvals.audit.pdf import write_pdf
from approvals.models import Export, Request
from portal.access import grant_role
from portal.directory.projects import create_project
from portal.ledger.models import Entry
from portal.ledger.tiles import fetch
from tests.factories import ask, person
from tests.integration.audit.test_pdf import said as words_of
from tests.integration.lifecycle.receipts import pae, published
from tests.integration.pages import as_, text
from tests.integration.sealing.test_proofs import seal_portal
from tests.pythons import oldest_python

BUNDLE = "/audit/bundle/"
UUID_IN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")
CLIENT = Path(__file__).parents[3] / "plugins" / "client" / "countersign.py"


@pytest.fixture
def one_project(audited):
    """Who audits the project shop alone, while there is another."""
    reader = person(audited.admin, "Pia Project")
    grant_role(by=audited.admin, to=reader, role="auditor", target=audited.project)
    audited.other = create_project(by=audited.admin, slug="other", name="Other")
    return reader


@pytest.fixture
def nobody_seals(monkeypatch):
    monkeypatch.setattr("approvals.audit.bundle.closing.SECONDS", 0)


class Opened:
    """A bundle, unzipped."""

    def __init__(self, response):
        assert response.status_code == 200, text(response)
        self.data = b"".join(response.streaming_content)
        with zipfile.ZipFile(io.BytesIO(self.data)) as found:
            self.files = {name: found.read(name) for name in found.namelist()}
        self.envelope = json.loads(self.files.pop("manifest.json"))
        self.payload = base64.b64decode(self.envelope["payload"])
        self.statement = json.loads(self.payload)
        self.said = self.statement["predicate"]
        self.leaves = self.files["entries.jsonl"].splitlines()
        self.entries = [json.loads(line) for line in self.leaves]
        self.rows = list(csv.DictReader(io.StringIO(self.files["population.csv"].decode())))

    def signed_for_openssl(self, folder):
        """Whether openssl takes the manifest, by the key that the bundle brings."""
        (signature,) = self.envelope["signatures"]
        (folder / "key").write_bytes(self.files[f"keys/permit-{signature['keyid']}.pem"])
        (folder / "sig").write_bytes(base64.b64decode(signature["sig"]))
        (folder / "signed").write_bytes(pae(self.envelope["payloadType"], self.payload))
        command = ["openssl", "dgst", "-sha256", "-verify", "key", "-signature", "sig", "signed"]
        return subprocess.run(command, cwd=folder, capture_output=True).returncode == 0

    def verified(self, folder):
        """What the client says of it under the oldest Python, by keys from outside the bundle."""
        (folder / "bundle.zip").write_bytes(self.data)
        (folder / "keys.json").write_text(json.dumps({"keys": list(published().values())}))
        vkeys = [
            part for (key,) in fetch("SELECT vkey FROM ledger_key", []) for part in ("--key", key)
        ]
        arguments = ["evidence", "verify", "bundle.zip", "--keys", "keys.json", *vkeys]
        done = subprocess.run(
            [oldest_python(), str(CLIENT), *arguments], cwd=folder, capture_output=True, text=True
        )
        return done.returncode, done.stdout + done.stderr


@pytest.mark.django_db(transaction=True)
def test_a_bundle_holds_the_period_and_is_closed_by_its_own_export(
    audited, one_project, tmp_path, monkeypatch
):
    seal = partial(seal_portal, tmp_path / "key.pem")
    seal()
    list_checkpoint_keys()  # as a worker does each minute: then not all listed keys sign permits
    ask(audited, run={"id": "8", "attempt": 1, "actor": "=HYPERLINK(0)"})
    monkeypatch.setattr("approvals.audit.bundle.closing.sleep", lambda _seconds: seal())
    shop = str(audited.project.pk)

    mine = Opened(as_(one_project).post(BUNDLE, {"project": shop}))
    assert mine.signed_for_openssl(tmp_path)
    assert {
        one["name"]: (one["digest"]["sha256"], one["annotations"]["size"])
        for one in mine.statement["subject"]
    } == {name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in mine.files.items()}
    assert {one["entry"]["project"] for one in mine.entries} == {shop}
    assert [one["number"] for one in mine.entries] == list(range(1, len(mine.entries) + 1))
    assert mine.entries[-1]["entry"]["export"]["id"] == mine.said["export"]
    assert mine.said["closing"]["number"] == mine.said["rows"]["entries.jsonl"] == len(mine.entries)
    submitted = [one for one in mine.entries if one["entry"]["type"] == "request.submitted"]
    assert len(mine.rows) == len(submitted) == mine.said["types"]["request.submitted"] == 6
    assert mine.rows[-1]["requester"] == "'=HYPERLINK(0)"
    keys = json.loads(mine.files["keys/permits.json"])["keys"]
    assert {key["purpose"] for key in keys} == {"permit"}
    (receipt,) = mine.files["receipts/permits.jsonl"].splitlines()
    assert json.loads(receipt) == audited.permit.receipt

    words = words_of(mine.files["summary.pdf"])
    assert f"Entries {len(mine.entries)} Requests 6" in words
    assert f"permit.issued {mine.said['types']['permit.issued']}" in words
    assert mine.said["checkpoint"]["root"] in words.replace(" ", "")

    asked = as_(one_project).post(BUNDLE, {"project": shop, "later": "yes"})
    assert asked["Location"] == "/audit/exports/"
    export = Export.objects.latest("pk")
    assert run_export(export.pk)
    later = Opened(as_(one_project).get(reverse("export-file", args=[export.pk])))
    assert later.signed_for_openssl(tmp_path)
    assert later.leaves[: len(mine.leaves)] == mine.leaves
    assert later.entries[-1]["entry"]["export"]["id"] == later.said["export"] == str(export.pk)
    export.refresh_from_db()
    assert export.rows == export.expected == len(later.leaves)
    assert export.digest == f"sha256:{hashlib.sha256(later.data).hexdigest()}"

    monkeypatch.setattr(write_pdf, "_places", Semaphore(0))
    monkeypatch.setattr(write_pdf, "WAIT", 0.0)  # other documents are being made
    everything = Opened(as_(audited.auditor).post(BUNDLE, {"project": ""}))
    assert set(mine.leaves) < set(everything.leaves)
    assert "summary.pdf" not in everything.files, "the evidence does not wait for it"
    assert everything.said["start"] is None or everything.said["start"]["size"] > 0
    assert b"leaves %d\n" % len(everything.leaves) in everything.files["proofs/tree.txt"]
    ended = Entry.objects.filter(type="export.finished").latest("id")
    said = json.loads(bytes(ended.payload))["export"]
    assert said["digest"] == f"sha256:{hashlib.sha256(everything.data).hexdigest()}"
    assert (ended.outcome, said["rows"]) == ("done", len(everything.leaves))

    times = [datetime.fromisoformat(one["at"]) for one in mine.entries]
    taken = Entry.objects.filter(type="export.created", project=shop).earliest("id")
    closing = wait_for_seal(taken.pk)
    period = select(audited.project.pk, times[3], times[6], closing)
    assert (period.first, period.last) == (4, 6)
    assert period.ranges == [(3, 7), (closing.number, closing.number)]
    empty = select(audited.project.pk, times[3], times[3], closing)
    assert (empty.last - empty.first, empty.ranges[0]) == (-1, (3, 4))

    for bundle in (mine, later):
        status, words = bundle.verified(tmp_path)
        assert (status, "FAILS" in words, "note" in words) == (0, False, False), words
    status, words = everything.verified(tmp_path)
    fails = [line for line in words.splitlines() if line.startswith("FAILS")]
    # Other tests leave entries behind whose requests are gone, which cannot happen to a portal.
    here = {str(one) for one in Request.objects.values_list("pk", flat=True)}
    assert not [
        line for line in fails if not UUID_IN.search(line) or UUID_IN.search(line)[0] in here
    ]
    assert (status == 0, "note" in words) == (not fails, False), words


def test_the_project_must_be_one_that_the_auditor_audits(audited, one_project, nobody_seals):
    client = as_(one_project)
    assert "Other" not in text(client.get(BUNDLE))
    assert client.post(BUNDLE, {"project": str(audited.other.pk)}).status_code == 404
    none = client.post(BUNDLE, {})
    assert (none.status_code, "Choose the project" in text(none)) == (422, True)
    assert not Entry.objects.filter(type="export.created", actor_ref=one_project.actor_ref).exists()


def test_a_bundle_without_a_sealer_is_refused_in_words_and_recorded(audited, nobody_seals):
    refused = as_(audited.auditor).post(BUNDLE, {"since": "2026-01-01", "until": "2026-01-31"})
    assert refused.status_code == 409
    assert "the sealer is away" in text(refused)
    assert 'value="2026-01-31"' in refused.content.decode()
    assert Entry.objects.latest("id").outcome == "not sealed"


def test_a_bundle_in_the_background_fails_in_words_without_a_sealer(audited, nobody_seals):
    asked = as_(audited.auditor).post(BUNDLE, {"later": "yes"}, follow=True)
    assert "Evidence bundle" in text(asked)
    assert run_export(Export.objects.latest("pk").pk)
    assert "the sealer is away" in text(as_(audited.auditor).get(asked.request["PATH_INFO"]))


def test_what_is_archived_is_known_by_the_oldest_month(db, monkeypatch):
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    assert archived_until(UUID(int=9), long_ago) is None
    monkeypatch.setattr("approvals.audit.bundle.selection._is_there", lambda *_where: False)
    oldest = archived_until(None, long_ago)
    assert (oldest.day, oldest.hour) == (1, 0)
    assert archived_until(None, oldest) is None


def test_a_period_that_is_archived_in_part_is_refused(audited, monkeypatch):
    monkeypatch.setattr(
        "approvals.audit.bundle.build.archived_until", lambda _project, since: since
    )
    refused = as_(audited.auditor).post(BUNDLE, {"since": "2026-01-01", "until": "2026-01-31"})
    assert refused.status_code == 409
    assert "Entries before 2026-01-01 are in the archive" in text(refused)
