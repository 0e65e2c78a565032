"""A collector on loopback, and streams to it that are made by the real service."""

import json

import pytest
from django.db import transaction

from approvals.audit.siem.configure import create_stream, sealed_size
from approvals.models import SiemStream
from portal.ledger.actors import SYSTEM
from portal.ledger.chain import leaf_hash
from portal.ledger.leaf import leaf_bytes
from portal.ledger.models import Entry
from portal.ledger.note import Checkpoint
from portal.ledger.record import record
from tests.integration.sealing.test_proofs import seal_portal
from tests.outside import Authority
from tests.remote import Remote, Says
from tests.syslog import Syslog


class Collector(Remote):
    """Takes what is posted to `/in`; `says` is what it answers instead."""

    def __init__(self):
        super().__init__()
        self.paths["/in"] = Says(status=202)

    def answer(self, status, **headers):
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        self.paths["/in"] = Says(status=status, headers=fields)

    @property
    def bodies(self):
        return [json.loads(body) for _, _, _, body in self.asked]

    @property
    def indexes(self):
        """The indexes of all entries that came, in the order in which they came."""
        return [one["index"] for body in self.bodies for one in body["data"]["entries"]]


@pytest.fixture
def collector():
    found = Collector()
    yield found
    found.close()


@pytest.fixture
def syslog(tmp_path):
    """A syslog server, with the certificate of who vouches for it in `authority`."""
    authority = Authority(tmp_path)
    found = Syslog(authority.server("127.0.0.1"))
    found.authority = authority.file.read_text()
    yield found
    found.close()


class PlayedLog:
    """A sealed log that is in no table, so that a test can undo it: every entry is a leaf."""

    def __init__(self):
        self.rows, self.size = [], 0

    def seal(self):
        """Everything in the ledger is sealed; the size of the log then."""
        self.rows = [
            (index, index, leaf_hash(_leaf(entry, index)), entry.at, entry.payload, entry.project)
            for index, entry in enumerate(Entry.objects.order_by("id"))
        ]
        self.size = len(self.rows)
        return self.size

    def checkpoint(self):
        return Checkpoint("portal.example/log/1", self.size, bytes(32)) if self.size else None

    def fetch(self, _statement, values):
        first, end, project, _project, most = values
        found = [row[:5] for row in self.rows[first:end] if project in (None, row[5])]
        return found[:most]


def _leaf(entry, number):
    return leaf_bytes(at=entry.at, payload=bytes(entry.payload), number=number)


@pytest.fixture
def seal(monkeypatch):
    """Seal what stands in the ledger; the size of the log then."""
    log = PlayedLog()
    monkeypatch.setattr("approvals.audit.siem.leaves.fetch", log.fetch)
    for module in ("check", "configure", "send"):
        monkeypatch.setattr(f"approvals.audit.siem.{module}.published_checkpoint", log.checkpoint)
    return log.seal


@pytest.fixture
def really_seal(tmp_path):
    """The same by the sealer, for tests that commit."""

    def act():
        seal_portal(tmp_path / "key.pem")
        return sealed_size()

    return act


@pytest.fixture
def write():
    """Write entries of a project, or of none, and seal them; the size of the log then."""

    def act(seal, count=1, project=None, **parts):
        for number in range(count):
            with transaction.atomic():
                record("key.created", actor=SYSTEM, project=project, object={"n": number, **parts})
        return seal()

    return act


@pytest.fixture
def stream(who, collector, seal):
    """One to the collector that has sent everything up to now."""
    seal()
    made, who.secret_of_stream = create_stream(
        by=who.admin, name="siem", kind="json", address=f"{collector.url}/in", private=True
    )
    made.position = seal()
    made.save()
    return made


@pytest.fixture
def now_due(monkeypatch):
    """Let a stream that waits be tried at once."""

    def act(stream):
        SiemStream.objects.filter(pk=stream.pk).update(next_try=stream.created_at)
        stream.refresh_from_db()

    return act
