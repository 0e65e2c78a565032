"""One permit key follows another: nobody who verifies receipts ever has no key for one."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from securesystemslib.dsse import Envelope

from approvals.lifecycle import rotation
from approvals.lifecycle.receipt import ensure_signing_key, sign, signers
from approvals.models import SigningKey
from portal.kernel.key_files import previous_of
from portal.ledger.models import Entry
from tests.factories import ask, decide, redeem
from tests.integration.lifecycle.receipts import published

CLIENT = Path(__file__).parents[3] / "plugins" / "client" / "countersign.py"
STATEMENT = {"subject": [], "predicate": {}}
pytestmark = pytest.mark.django_db


@pytest.fixture
def first(settings, tmp_path):
    """The id of the only key; its file is `settings.SIGNING_KEY_FILE`."""
    settings.SIGNING_KEY_FILE = tmp_path / "permit.pem"
    return ensure_signing_key()


def signed_by(envelope):
    """The keys whose signatures another library accepts."""
    known = [one.public_key for one in signers()]
    every = len(envelope["signatures"])
    return set(Envelope.from_dict(json.loads(json.dumps(envelope))).verify(known, every))


def status():
    return dict(SigningKey.objects.values_list("kid", "status"))


def recorded(event):
    entry = Entry.objects.filter(type=event).order_by("id").last()
    return json.loads(bytes(entry.payload))["object"]


def client_accepts(receipt, kid, folder):
    """Whether `countersign verify` takes a receipt when it knows this one key."""
    (folder / "receipt.json").write_text(json.dumps(receipt))
    (folder / "keys.json").write_text(json.dumps({"keys": [published()[kid]]}))
    command = [sys.executable, CLIENT, "verify", "receipt.json", "--keys", "keys.json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return done.returncode == 0


def rotate(*options):
    call_command("rotate_key", "permit", *options, verbosity=0)


def test_both_keys_sign_until_the_previous_one_is_retired(first, who, settings, capsys, tmp_path):
    rotate()
    second = str(signers()[0].public_key.keyid)
    assert second in capsys.readouterr().out
    assert second != first
    permit = redeem(who, decide(ask(who), who.alice))
    assert signed_by(permit.receipt) == {first, second}
    assert client_accepts(permit.receipt, first, tmp_path)
    assert client_accepts(permit.receipt, second, tmp_path)
    assert (status()[first], status()[second]) == ("active", "active")
    assert recorded("key.rotated") == {
        "kind": "key", "id": second, "purpose": "permit", "previous": first,
    }  # fmt: skip

    rotate("--retire-previous")
    assert signed_by(sign(STATEMENT)) == {second}
    assert (status()[first], status()[second]) == ("retired", "active")
    assert recorded("key.retired") == {
        "kind": "key", "id": first, "purpose": "permit", "following": second,
    }  # fmt: skip
    assert not previous_of(settings.SIGNING_KEY_FILE).exists()


def test_each_private_key_is_for_its_owner_alone(first, settings):
    rotate()
    folder = settings.SIGNING_KEY_FILE.parent
    assert sorted(path.name for path in folder.iterdir()) == ["permit.pem", "permit.previous.pem"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_a_rotation_waits_for_the_one_before(first):
    rotate()
    both = [one.public_key.keyid for one in signers()]
    with pytest.raises(CommandError, match="Retire the previous one first"):
        rotate()
    assert [one.public_key.keyid for one in signers()] == both


def test_two_rotations_at_once_change_one_thing(first, settings, monkeypatch):
    """The second one had looked before the first one was done."""
    looked = signers()
    rotate()
    before = (status(), settings.SIGNING_KEY_FILE.read_bytes(), Entry.objects.count())
    monkeypatch.setattr(rotation, "signers", lambda: looked)
    with pytest.raises(CommandError, match="Retire the previous one first"):
        rotate()
    assert (status(), settings.SIGNING_KEY_FILE.read_bytes(), Entry.objects.count()) == before
    assert len(list(settings.SIGNING_KEY_FILE.parent.iterdir())) == 2


def test_without_a_rotation_nothing_is_retired(first):
    with pytest.raises(CommandError, match="No rotation is under way"):
        rotate("--retire-previous")
    assert status()[first] == "active"


def test_a_web_server_that_starts_during_a_rotation_retires_nothing(first):
    rotate()
    ensure_signing_key()
    assert status()[first] == "active"


def test_files_put_in_place_by_hand_are_a_rotation_too(first, settings, tmp_path):
    path = settings.SIGNING_KEY_FILE
    path.rename(previous_of(path))
    second = ensure_signing_key()
    assert signed_by(sign(STATEMENT)) == {first, second}
    assert (status()[first], status()[second]) == ("active", "active")


def test_where_there_is_no_key_none_follows(settings, tmp_path):
    settings.SIGNING_KEY_FILE = tmp_path / "nowhere.pem"
    with pytest.raises(CommandError, match=r"nowhere\.pem"):
        rotate()


def test_a_key_in_no_file_is_rotated_where_it_lies(first, settings):
    settings.PERMIT_SIGNER = "awskms:alias/countersign"
    with pytest.raises(CommandError, match="COUNTERSIGN_PERMIT_SIGNER"):
        rotate()
    assert list(status()) == [first]


def test_a_rotation_that_was_killed_in_the_middle_is_gone_on_with(first, settings):
    path = settings.SIGNING_KEY_FILE
    previous_of(path).hardlink_to(path)
    assert [one.public_key.keyid for one in signers()] == [first]
    rotate()
    assert [one.public_key.keyid for one in signers()][1:] == [first]
