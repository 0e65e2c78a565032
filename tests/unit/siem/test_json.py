"""What a webhook gets: the leaves as they were hashed, in signed bodies of a limited size."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from approvals.audit.siem import formats
from approvals.audit.siem.formats import batch_of
from approvals.audit.siem.signature import signed
from approvals.connections.proof import is_proven, new_secret
from portal.kernel.canonical import canonical
from tests.unit.siem.entries import AT, SENDER, sealed


def test_each_entry_carries_the_very_bytes_that_were_hashed():
    entries = [sealed(index=index, object={"id": 'a "name"\n|='}) for index in range(3)]
    batch = batch_of("json", entries, SENDER)
    said = json.loads(batch.body)
    assert (said["type"], said["timestamp"]) == ("ledger.entries", "2026-11-25T09:30:01.234567Z")
    assert said["data"]["log"] == "portal.example/log/1"
    assert [one["index"] for one in said["data"]["entries"]] == [0, 1, 2]
    for one, entry in zip(said["data"]["entries"], entries, strict=True):
        assert one["event_id"] == entry.payload["id"]
        assert canonical(one["leaf"]) == entry.leaf  # a receiver makes the bytes again
        assert entry.leaf in batch.body


@pytest.mark.parametrize("kind", ["json", "ocsf", "cef"])
def test_a_body_is_limited_and_one_entry_always_fits(kind, monkeypatch):
    entries = [sealed(index=index, object={"id": "x" * 900}) for index in range(10)]
    whole = batch_of(kind, entries, SENDER)
    assert whole.count == 10
    monkeypatch.setattr(formats, "MOST_BYTES", len(whole.body) // 2)
    assert 3 <= batch_of(kind, entries, SENDER).count <= 5
    monkeypatch.setattr(formats, "MOST_BYTES", 10)
    assert batch_of(kind, entries, SENDER).count == 1


def verified(headers, body, secret):
    """As the specification of Standard Webhooks says, read anew: `id.timestamp.body`, HMAC-SHA256
    with the decoded secret, base64, one of the signatures behind `v1,`."""
    assert secret.startswith("whsec_")
    key = base64.b64decode(secret[len("whsec_") :])
    assert 24 <= len(key) <= 64
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    versions = [one.split(",", 1) for one in headers["webhook-signature"].split(" ")]
    return any(kind == "v1" and hmac.compare_digest(made, expected) for kind, made in versions)


def test_a_receiver_can_verify_who_sent_it_with_either_secret_while_both_are_valid():
    old, new, foreign = new_secret(), new_secret(), new_secret()
    headers = signed(b"{}", number="a1", at=AT, secrets=[new, old])
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("a1", "1795599001")
    assert verified(headers, b"{}", new) and verified(headers, b"{}", old)
    assert not verified(headers, b"{} ", new) and not verified(headers, b"{}", foreign)
    as_received = {name.title(): value for name, value in headers.items()}
    assert is_proven(as_received, b"{}", new, AT)  # as our own hooks verify


def test_a_signature_is_that_of_the_public_libraries():
    """The example that their own tests sign."""
    headers = signed(
        b'{"test": 2432232314}',
        number="msg_p5jXN8AQM9LWM0D4loKWxJek",
        at=datetime.fromtimestamp(1614265330, UTC),
        secrets=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
