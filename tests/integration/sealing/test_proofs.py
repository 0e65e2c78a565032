"""What the portal gives out of the log, and the command that verifies it."""

from base64 import b64decode
from io import StringIO

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from approvals.audit.entry import entry_view, take_entry
from approvals.audit.scope import AuditScope
from approvals.lifecycle.receipt import ensure_signing_key
from approvals.management.commands import verify_ledger
from portal.accounts.models import User
from portal.kernel.errors import Conflict
from portal.ledger.actors import SYSTEM
from portal.ledger.chain import leaf_hash
from portal.ledger.note import key_of, opened
from portal.ledger.proofs import (
    BrokenSeal,
    NotSealed,
    consistency_between,
    note_of,
    proof_of,
    published_checkpoint,
)
from portal.ledger.record import record
from portal.ledger.stored_tiles import NoTile
from portal.ledger.tile_paths import unbundled
from portal.ledger.tiles import entry_bundle, fetch
from portal.ledger.tree import verify_consistency, verify_inclusion
from portal.ledger.verify import known_keys, verify_log
from portal.sealer.append import Log
from portal.sealer.key import signers_of
from portal.sealer.publish import publish_checkpoints, sign_checkpoints
from portal.sealer.seal import open_connection
from tests.conftest import worker_database
from tests.factories import ask, company, decide, redeem
from tests.integration.sealing.book import write
from tests.plugin import server_of_this_run


def seal_portal(key_file):
    """Seal what stands in the portal's own database of this worker."""
    url = server_of_this_run().url("countersign_sealer", worker_database())
    with open_connection(url) as connection:
        log = Log(connection, "countersign.example/log/tests")
        signers = signers_of(key_file, log.origin, connection, new=True)
        log.append()
        sign_checkpoints(connection, signers)
        publish_checkpoints(connection)


def write_entry():
    with transaction.atomic():
        return record("sign_out.done", actor=SYSTEM)


@pytest.mark.django_db
def test_a_note_carries_what_witnesses_signed():
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_checkpoint (size, origin, root, snapshot, cluster) "
            "VALUES (2000000, 'o', sha256('x'), '1:1:', 'c');"
            "INSERT INTO ledger_key (vkey) VALUES ('k');"
            "INSERT INTO ledger_signature (size, key, note) VALUES (2000000, 'k', E'text\n\n1\n');"
            "INSERT INTO ledger_cosignature (size, key, line) VALUES (2000000, 'w', E'2\n')"
        )
    assert note_of(2000000) == "text\n\n1\n2\n"


@pytest.mark.django_db(transaction=True)
def test_an_entry_is_proved_against_the_newest_checkpoint(tmp_path):
    first = write_entry()
    with pytest.raises(NotSealed):
        proof_of(first)
    seal_portal(tmp_path / "key.pem")
    old = published_checkpoint()
    second = write_entry()
    seal_portal(tmp_path / "key.pem")
    new = published_checkpoint()
    keys = [key_of(vkey) for (vkey,) in fetch("SELECT vkey FROM ledger_key", [])]
    for entry in (first, second):
        proof = proof_of(entry)
        checkpoint = opened(proof.note, keys)
        assert checkpoint == new
        hashed = leaf_hash(proof.leaf)
        assert verify_inclusion(hashed, proof.index, checkpoint.size, proof.hashes, checkpoint.root)
    hashes = consistency_between(old.size, new.size)
    assert verify_consistency(old.size, new.size, old.root, new.root, hashes)
    index, width = divmod(new.size, 256)
    if width:
        assert list(unbundled(entry_bundle(index, width)))[-1] == proof_of(second).leaf
    with pytest.raises(NoTile):
        entry_bundle(index, width + 1)


def run(book, monkeypatch, *keys):
    reader = book.connect("countersign_app")
    monkeypatch.setattr(verify_ledger, "own_connection", lambda: reader)
    out = StringIO()
    try:
        call_command("verify_ledger", stdout=out, key=list(keys))
    except CommandError as error:
        return f"{out.getvalue()}{error}"
    return out.getvalue()


def test_the_command_says_what_holds_and_what_does_not(book, monkeypatch):
    write(book.app, 3)
    book.seal()
    (vkey,) = known_keys(book.app)
    said = run(book, monkeypatch)
    assert "3 entries sealed, 3 of them under a signed checkpoint; 1 checkpoints" in said
    assert "taken from the database itself" in said
    assert said.endswith("Everything holds.\n")
    assert "taken from" not in run(book, monkeypatch, vkey)
    assert "--key: not an Ed25519 key" in run(book, monkeypatch, "nonsense")
    book.superuser("DELETE FROM ledger_entry WHERE id = 2")
    said = run(book, monkeypatch, vkey)
    assert "- Entry 2 (leaf 1) is missing." in said
    assert said.endswith("1 findings: it does not hold.")


@pytest.mark.django_db(transaction=True)
def test_what_the_services_write_holds(tmp_path):
    ensure_signing_key()
    who = company()
    asked = [ask(who), ask(who, "staging"), ask(who)]  # their histories lie between each other
    for request in asked[::2]:
        redeem(who, decide(request, who.alice))
    seal_portal(tmp_path / "key.pem")
    url = server_of_this_run().url(database=worker_database())
    with psycopg.connect(url, autocommit=True) as reader:
        result = verify_log(reader, known_keys(reader))
    assert (result.findings, result.unsealed) == ([], 0)


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_is_taken_out_carries_a_proof_that_holds(tmp_path):
    number, everything = write_entry(), AuditScope(None)
    assert entry_view(everything, number).proof is None
    seal_portal(tmp_path / "key.pem")
    reader = User.objects.create(username="olga", name="Olga Auditor")
    found = take_entry(by=reader, scope=everything, number=number)
    keys = [key_of(vkey) for (vkey,) in fetch("SELECT vkey FROM ledger_key", [])]
    root = opened(found["checkpoint"], keys).root
    hashes = [b64decode(one) for one in found["hashes"]]
    place = found["index"], found["size"]
    assert verify_inclusion(leaf_hash(found["leaf"].encode()), *place, hashes, root)
    assert not verify_inclusion(leaf_hash(found["leaf"].encode() + b" "), *place, hashes, root)
    assert entry_view(everything, number).proof.size == found["size"]


def rewrite(connection, number, old, new):
    """What only a superuser can do: the guard is taken away, and stands again afterwards."""
    entry = connection.execute(
        "SELECT tableoid::regclass FROM ledger_entry WHERE id = %s", [number]
    )
    table = entry.fetchone()[0]
    guard = connection.execute(
        "SELECT quote_ident(tgname) FROM pg_trigger"
        " WHERE tgrelid = %s::regclass AND tgname LIKE '%%append_only'", [table]
    ).fetchone()[0]  # fmt: skip
    with connection.transaction():
        connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {guard}")
        connection.execute(
            "UPDATE ledger_entry SET payload ="
            " convert_to(replace(convert_from(payload, 'UTF8'), %s, %s), 'UTF8') WHERE id = %s",
            [old, new, number],
        )
        connection.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {guard}")


@pytest.mark.django_db(transaction=True)
def test_an_entry_that_was_rewritten_is_never_called_sealed(tmp_path, client, monkeypatch):
    number, everything = write_entry(), AuditScope(None)
    seal_portal(tmp_path / "key.pem")
    reader = User.objects.create(username="olga", name="Olga Auditor")
    superuser = server_of_this_run().url("postgres", worker_database())
    with psycopg.connect(superuser, autocommit=True) as connection:
        rewrite(connection, number, "sign_out.done", "sign_out.nope")
        view = entry_view(everything, number)
        assert (view.proof, view.broken) == (None, True)
        monkeypatch.setattr("approvals.views.ledger.audit_scope", lambda _person: everything)
        client.force_login(reader)
        assert "Not what was sealed" in client.get(f"/audit/{number}/").content.decode()
        with pytest.raises(BrokenSeal):
            proof_of(number)
        with pytest.raises(Conflict, match="is not what was sealed"):
            take_entry(by=reader, scope=everything, number=number)
        rewrite(connection, number, "sign_out.nope", "sign_out.done")
    assert not entry_view(everything, number).broken
