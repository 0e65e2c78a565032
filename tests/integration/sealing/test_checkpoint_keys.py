"""The portal lists and records the keys that sign checkpoints, whatever the sealer is told."""

import json

import pytest

from approvals.audit.checkpoint_keys import kid_of, list_checkpoint_keys
from approvals.tasks import list_checkpoint_keys_task
from portal.kernel import key_files
from portal.ledger.models import Entry
from portal.ledger.note import Key, key_of
from portal.ledger.tiles import fetch
from portal.sealer.key import new_pem
from tests.integration.lifecycle.receipts import number, published
from tests.integration.sealing.test_proofs import seal_portal, write_entry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def recorded():
    """What was recorded since the test began about keys of checkpoints: (event, id, previous)."""
    last = Entry.objects.latest("id").pk if Entry.objects.exists() else 0

    def read():
        found = Entry.objects.filter(id__gt=last, type__startswith="key.").order_by("id")
        said = [(entry.type, json.loads(bytes(entry.payload))["object"]) for entry in found]
        return [(event, about["id"], about.get("previous")) for event, about in said]

    return read


def seal(key_file):
    """Seal something new; the keys that signed, in the order in which they came."""
    write_entry()
    seal_portal(key_file)
    newest = (
        "SELECT key FROM ledger_signature WHERE size = (SELECT max(size) FROM ledger_signature)"
    )
    rows = fetch(f"SELECT vkey FROM ledger_key WHERE vkey IN ({newest}) ORDER BY at", [])
    return [kid_of(vkey) for (vkey,) in rows]


def test_a_key_that_follows_another_is_recorded_as_such(tmp_path, recorded):
    path = tmp_path / "key.pem"
    (first,) = seal(path)
    list_checkpoint_keys()
    key_files.rotate(path, new_pem())
    assert seal(path)[0] == first
    second = seal(path)[1]
    list_checkpoint_keys_task()
    list_checkpoint_keys()
    assert (published()[first]["status"], published()[second]["status"]) == ("active", "active")
    key_files.finish(path)
    seal(path)
    list_checkpoint_keys()
    assert (published()[first]["status"], published()[second]["status"]) == ("retired", "active")
    assert [one for one in recorded() if one[1] in (first, second)] == [
        ("key.created", first, None),
        ("key.rotated", second, first),
        ("key.retired", first, None),
    ]


def test_a_key_that_nobody_vouched_for_is_not_called_a_rotation(tmp_path, recorded):
    """Also where it had gone again before the portal looked."""
    (first,), (second,), (third,) = (seal(tmp_path / f"{name}.pem") for name in "abc")
    list_checkpoint_keys()
    assert [one for one in recorded() if one[1] in (first, second, third)] == [
        ("key.created", first, None),
        ("key.retired", first, None),
        ("key.created", second, None),
        ("key.retired", second, None),
        ("key.created", third, None),
    ]
    seal(tmp_path / "a.pem")
    list_checkpoint_keys()
    assert (published()[first]["status"], published()[third]["status"]) == ("active", "retired")


def test_a_listed_key_is_the_one_that_verifies(tmp_path):
    (kid,) = seal(tmp_path / "key.pem")
    list_checkpoint_keys()
    listed = published()[kid]
    assert (listed["purpose"], listed["kty"], listed["crv"]) == ("checkpoint", "OKP", "Ed25519")
    key = key_of(listed["vkey"])
    assert key == Key(key.name, number(listed["x"]).to_bytes(32, "big"))
