"""The log at its addresses, read as a program of an auditor reads it."""

import json
import re
from base64 import b64decode
from datetime import timedelta

import pytest
from django.test import Client

from approvals.models import LogToken
from portal.access import grant_role, revoke_role
from portal.access.models import Organisation
from portal.accounts.people import deactivate_person
from portal.kernel.clock import now
from portal.kernel.ids import new_id
from portal.ledger.chain import leaf_hash
from portal.ledger.models import Entry
from portal.ledger.note import key_of, opened
from portal.ledger.tile_paths import Tile, path_of, unbundled
from portal.ledger.tiles import fetch
from portal.ledger.tree import root, tile_width, verify_consistency, verify_inclusion
from tests.factories import person
from tests.integration.sealing.test_proofs import seal_portal, write_entry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def auditor(who, client):
    """Signed in, and audits the whole portal."""
    found = person(who.admin, "Olga Auditor")
    grant_role(by=who.admin, to=found, role="auditor", target=Organisation.objects.get())
    client.force_login(found)
    return client


def checkpoint(auditor):
    answer = auditor.get("/log/checkpoint")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Cache-Control"] == "no-store"
    keys = [key_of(vkey) for (vkey,) in fetch("SELECT vkey FROM ledger_key", [])]
    return opened(answer.content.decode(), keys)


def tile(auditor, level, index, width):
    answer = auditor.get(f"/log/{path_of(Tile(level, index, width))}")
    assert answer.status_code == 200
    assert answer["Cache-Control"] == "private, max-age=31536000, immutable"
    return answer.content


def read_by():
    found = Entry.objects.filter(type="evidence.read").order_by("id")
    return [json.loads(bytes(entry.payload))["object"] for entry in found]


def test_the_whole_log_is_read_from_its_addresses(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    found = checkpoint(auditor)
    assert root(found.size, lambda *place: tile(auditor, *place)) == found.root
    index = (found.size - 1) // 256
    width = tile_width(0, index, found.size)
    bundle = tile(auditor, None, index, width)
    hashes = b"".join(map(leaf_hash, unbundled(bundle)))
    assert hashes == tile(auditor, 0, index, width)
    assert read_by()[-1] == {"kind": "entries", "first": index * 256, "count": width}


def test_nothing_is_given_out_before_it_is_published(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    size, before = checkpoint(auditor).size, len(read_by())
    index, width = divmod(size, 256)
    for level in ("0", "entries"):
        assert auditor.get(f"/log/tile/{level}/{index:03}.p/{width + 1}").status_code == 404
    for address in ("0/1", "0/000.p/0", "entries/000.p/256", "0/x000/000", "64/000", "0/000/"):
        assert auditor.get(f"/log/tile/{address}").status_code == 404, address
    assert len(read_by()) == before


def test_proofs_lead_to_the_published_roots(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    old = checkpoint(auditor)
    write_entry()
    seal_portal(tmp_path / "key.pem")
    new = checkpoint(auditor)
    proof = auditor.get("/log/proof/consistency", {"old": old.size}).json()
    hashes = [b64decode(one) for one in proof["hashes"]]
    assert (proof["old"], proof["new"]) == (old.size, new.size)
    assert verify_consistency(old.size, new.size, old.root, new.root, hashes)
    for size, expected in ((old.size, old.root), (new.size, new.root)):
        query = {"index": old.size - 1, "size": size}
        proof = auditor.get("/log/proof/inclusion", query).json()
        hashes = [b64decode(one) for one in proof["hashes"]]
        (leaf,) = fetch("SELECT hash FROM ledger_leaf WHERE index = %s", [old.size - 1])[0]
        assert verify_inclusion(bytes(leaf), proof["index"], size, hashes, expected)


def test_a_number_that_does_not_fit_is_refused_in_words(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    for query in ("", "index=-1", "index=٣", f"index={'9' * 20}", "index=0&size=0", "index=a"):
        answer = auditor.get(f"/log/proof/inclusion?{query}")
        assert answer.status_code == 422, query
        assert "a number from" in answer.content.decode()


def test_each_key_finds_the_newest_note_that_it_signed(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "first.pem")
    first = checkpoint(auditor)
    write_entry()
    seal_portal(tmp_path / "second.pem")
    second = checkpoint(auditor)
    ids = {size: key_of(vkey) for vkey, size in fetch("SELECT key, size FROM ledger_signature", [])}
    for found in (first, second):
        key = ids[found.size]
        note = auditor.get("/log/checkpoint", {"key": key.id.hex()}).content.decode()
        assert opened(note, [key]) == found
    assert auditor.get("/log/checkpoint", {"key": "00"}).status_code == 404


def test_the_public_can_verify_a_checkpoint_that_an_auditor_shows(auditor, tmp_path):
    write_entry()
    seal_portal(tmp_path / "old.pem")
    write_entry()
    seal_portal(tmp_path / "key.pem")
    about = Client().get("/.well-known/countersign/log.json").json()
    assert (about["origin"], about["tile_height"]) == ("countersign.example/log/tests", 8)
    assert about["url"].endswith("/log")
    *_, old, key = about["keys"]
    assert (old["status"], key["status"]) == ("retired", "active")
    assert (old["origin"], "not_after" in old, "not_after" in key) == (about["origin"], True, False)
    note = auditor.get("/log/checkpoint").content.decode()
    assert opened(note, [key_of(key["vkey"])]) == checkpoint(auditor)
    assert "root" not in json.dumps(about)


@pytest.fixture
def token(auditor):
    """A new token as a program sends it: its secret, and the headers with it."""
    tomorrow = (now() + timedelta(days=1)).date().isoformat()
    page = auditor.post(
        "/audit/log/tokens/new", {"name": "monitor", "expires_at": tomorrow}
    ).content.decode()
    (secret,) = re.findall(r"csl_[0-9a-f]{12}_[0-9a-f]{64}", page)
    return {"Authorization": f"Bearer {secret}"}


def test_a_program_reads_the_log_with_a_token_and_nothing_else(auditor, token, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    program = Client(headers=token)
    assert checkpoint(program) == checkpoint(auditor)
    index, width = divmod(checkpoint(program).size - 1, 256)
    tile(program, None, index, width + 1)
    read = json.loads(bytes(Entry.objects.filter(type="evidence.read").latest("id").payload))
    assert (read["actor"]["authn"], read["object"]["first"]) == ("token", index * 256)
    for address in ("/", "/audit/log/tokens/", f"/api/v1/requests/{new_id()}"):
        assert program.get(address).status_code in {302, 401}, address
    shown = auditor.get("/audit/log/tokens/").content.decode()
    assert "monitor" in shown
    assert "never" not in shown
    assert token["Authorization"].removeprefix("Bearer ") not in shown


@pytest.mark.parametrize("ended", ["revoked", "expired", "role", "person", "forged"])
def test_a_token_ends(who, auditor, token, ended, tmp_path):
    write_entry()
    seal_portal(tmp_path / "key.pem")
    row = LogToken.objects.get()
    if ended == "revoked":
        assert auditor.get(f"/audit/log/tokens/{row.pk}/revoke").status_code == 200
        assert Client(headers=token).get("/log/checkpoint").status_code == 200
        auditor.post(f"/audit/log/tokens/{row.pk}/revoke")
    elif ended == "expired":
        LogToken.objects.update(expires_at=now())
    elif ended == "role":
        revoke_role(by=who.admin, to=row.by, role="auditor", target=Organisation.objects.get())
    elif ended == "person":
        deactivate_person(by=who.admin, person=row.by)
    else:
        token["Authorization"] = token["Authorization"][:-1] + "g"
    answer = Client(headers=token).get("/log/checkpoint")
    assert answer.status_code == (403 if ended == "role" else 401)
    assert (answer.get("WWW-Authenticate") == "Bearer") == (ended != "role")


def test_a_token_is_for_a_year_at_most_and_twenty_at_once(auditor, monkeypatch):
    def issue(days):
        day = (now() + timedelta(days=days)).date().isoformat()
        return auditor.post("/audit/log/tokens/new", {"name": "m", "expires_at": day}).status_code

    assert [issue(-1), issue(370), issue(1)] == [422, 422, 200]
    monkeypatch.setattr("approvals.audit.log_tokens.MOST", 1)
    assert issue(1) == 422
    assert LogToken.objects.count() == 1
