"""`countersign evidence verify` takes a whole bundle, and says what is wrong with any other."""

import importlib.util
import io
import json
from functools import cache

import pytest

from portal.ledger.note import Checkpoint, sign
from tests.client.bundles import (
    BANK,
    FOREIGN_KEY,
    FOREIGN_SIGNER,
    ORIGIN,
    SHOP,
    SIGNER,
    Bundle,
    Ledger,
)
from tests.client.conftest import CLIENTS
from tests.client.portal_double import a_receipt, public_keys


@pytest.fixture(scope="module")
def client():
    """The client as a module: a process for each of so many bundles would take its time."""
    spec = importlib.util.spec_from_file_location("countersign_client", CLIENTS / "countersign.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name in ("verify_ecdsa", "verify_ed25519"):  # the same signatures again and again
        setattr(module, name, cache(getattr(module, name)))
    return module


@pytest.fixture
def verify(client, tmp_path, capsys):
    """Runs verify on a bundle with pinned keys; gives the exit status and what was said."""

    def run(bundle, *options, manifest=None, pinned=True):
        path = bundle.write(tmp_path / "bundle.zip", manifest)
        (tmp_path / "keys.json").write_text(json.dumps(public_keys()))
        if pinned:
            options += ("--keys", str(tmp_path / "keys.json"), "--key", SIGNER.key.vkey)
        status = client.main(["evidence", "verify", str(path), *options])
        said = capsys.readouterr()
        assert "internal" not in said.err.lower(), said.err
        return status, said.out

    return run


def whole(project=None, **ledger):
    found = Ledger(**ledger)
    found.export(project)
    return Bundle(found, project)


@pytest.mark.parametrize("project", [None, SHOP, BANK])
def test_a_whole_bundle_holds(verify, project):
    status, words = verify(whole(project))
    assert (status, "FAILS" in words) == (0, False), words
    assert words.endswith("Everything holds.\n")
    assert "note" not in words
    assert "taken follows without a gap." in words
    assert "The log goes on from the checkpoint of 1 entries" in words


def test_a_bundle_from_the_logs_beginning_has_no_checkpoint_before_it(verify):
    ledger = Ledger()
    ledger.export(None)
    status, words = verify(Bundle(ledger, start=0))
    assert (status, "no checkpoint from before" in words) == (0, True), words


def test_keys_from_inside_the_bundle_are_said_to_prove_nothing(verify):
    status, words = verify(whole(), pinned=False)
    assert status == 0
    assert "by themselves they prove nothing. Give --keys and --key with keys" in words
    forged = whole()
    forged.key = FOREIGN_KEY
    forged.files["keys/permits.json"] = json.dumps(public_keys(FOREIGN_KEY)).encode()
    forged.files["receipts/permits.jsonl"] = b""
    assert "signed by key permit-1" in verify(forged, pinned=False)[1]
    status, words = verify(forged)
    assert (status, "made by none of the keys" in words) == (65, True)


def test_results_can_be_had_as_json(verify):
    said = json.loads(verify(whole(SHOP), "--json")[1])
    assert said["holds"] is True
    assert said["pinned"] == {"--keys": True, "--key": True}
    assert all(check["holds"] for check in said["checks"])
    assert said["manifest"]["project"]["slug"] == "shop"


def lines(bundle, change):
    """Change the list of lines of entries.jsonl."""
    entries = bundle.files["entries.jsonl"].splitlines(keepends=True)
    bundle.files["entries.jsonl"] = b"".join(change(entries))


def a_payload_byte(bundle):
    lines(bundle, lambda found: [*found[:4], found[4].replace(b"sha256:", b"sha257:"), *found[5:]])


def a_dropped_entry(bundle):
    lines(bundle, lambda found: [*found[:3], *found[4:]])


def reordered_entries(bundle):
    lines(bundle, lambda found: [*found[:3], found[4], found[3], *found[5:]])


def a_wrong_root(bundle):
    wrong = Checkpoint(ORIGIN, bundle.end.size, bytes(32))
    bundle.files["proofs/checkpoint.txt"] = sign(wrong.text, SIGNER).encode()
    bundle.said["checkpoint"]["root"] = wrong.root.hex()


def a_foreign_signature(bundle):
    bundle.files["proofs/checkpoint.txt"] = sign(bundle.end.text, FOREIGN_SIGNER).encode()
    bundle.files["keys/checkpoints.txt"] = f"{FOREIGN_SIGNER.key.vkey}\n".encode()


def a_rewritten_past(bundle):
    other = Checkpoint(ORIGIN, bundle.start.size, bytes(range(32)))
    bundle.files["proofs/start.txt"] = sign(other.text, SIGNER).encode()
    bundle.said["start"]["root"] = other.root.hex()


def a_request_left_out_of_the_population(bundle):
    head, _first, *rest = bundle.files["population.csv"].splitlines(keepends=True)
    bundle.files["population.csv"] = head + b"".join(rest)
    bundle.said["rows"]["population.csv"] -= 1


def a_request_with_another_digest(bundle):
    rows, digest = bundle.files["population.csv"], bundle.ledger.requests[0][3].encode()
    bundle.files["population.csv"] = rows.replace(digest, b"sha256:" + b"ab" * 32)


def a_receipt_left_out(bundle):
    first, rest = bundle.files["receipts/permits.jsonl"].split(b"\n", 1)
    assert first
    bundle.files["receipts/permits.jsonl"] = rest
    bundle.said["rows"]["receipts/permits.jsonl"] -= 1


def a_foreign_receipt(bundle):
    first, rest = bundle.files["receipts/permits.jsonl"].split(b"\n", 1)
    assert first
    forged = json.dumps(a_receipt(FOREIGN_KEY)).encode()
    bundle.files["receipts/permits.jsonl"] = forged + b"\n" + rest


def a_miscounted_type(bundle):
    bundle.said["types"]["verdict.given"] += 1


def a_range_that_is_narrower(bundle):
    bundle.said["range"]["first"]["leaf"] += 1


def another_export(bundle):
    bundle.said["export"] = "00000000-0000-0000-0000-000000000009"


ENTRIES = "FAILS  The entries: they do not lead to the root of the checkpoint"
TAMPERED = [
    (a_payload_byte, ENTRIES),
    (a_dropped_entry, "FAILS  The entries: entries.jsonl ends before its proof does"),
    (reordered_entries, ENTRIES),
    (a_wrong_root, ENTRIES),
    (a_foreign_signature, "FAILS  The checkpoint: none of the keys signed it"),
    (a_rewritten_past, "the log does not go on from it"),
    (a_request_left_out_of_the_population, "population.csv and the entries say different things"),
    (a_request_with_another_digest, "population.csv and the entries say different things"),
    (a_receipt_left_out, "The receipts and the entries say different things"),
    (a_foreign_receipt, "receipt 1 is signed by none of the keys"),
    (a_miscounted_type, "not as many entries of each type"),
    (a_range_that_is_narrower, "is of the period, and outside the range"),
    (another_export, "The entry that says the bundle was taken is not the last"),
]


@pytest.mark.parametrize(
    ("tamper", "sentence"), TAMPERED, ids=lambda one: getattr(one, "__name__", "")
)
def test_a_tampered_bundle_is_refused_even_with_a_new_manifest(verify, tamper, sentence):
    bundle = whole()
    tamper(bundle)
    status, words = verify(bundle)  # whoever did it holds the key of manifests
    assert (status, sentence in words) == (65, True), words
    assert "does not hold" in words
    bundle.key = FOREIGN_KEY  # whoever did it does not
    assert "FAILS  The signature of the manifest" in verify(bundle)[1]


def test_a_file_that_was_changed_after_signing_is_named(verify):
    for name in ("README.txt", "population.csv", "proofs/tree.txt"):
        bundle = whole()
        manifest = bundle.manifest()
        bundle.files[name] += b"\n"
        status, words = verify(bundle, manifest=manifest)
        assert status == 65
        assert f"FAILS  {name}" in words or f"{name} has" in words, words


def test_an_entry_of_a_project_cannot_be_passed_over(verify):
    ledger = Ledger()
    ledger.export(SHOP)
    mine = [index for index, (project, *_) in enumerate(ledger.facts) if project == SHOP]
    status, words = verify(Bundle(ledger, SHOP, shown=mine[:2] + mine[3:]))
    assert status == 65
    assert "FAILS  Entries are missing before leaf" in words
    assert "lead to the root of the checkpoint" in words  # the walk is a good one
    status, words = verify(Bundle(ledger, shown=[1, 2, 3, *range(5, len(ledger.leaves))]))
    assert (status, "Entries are missing before leaf 5" in words) == (65, True)


def test_an_entry_of_another_project_is_refused(verify):
    ledger = Ledger()
    ledger.export(SHOP)
    bundle = Bundle(ledger)
    bundle.said["project"] = {"id": SHOP, "slug": "shop"}
    status, words = verify(bundle)
    assert (status, "is an entry of another project" in words) == (65, True)


def test_a_period_that_is_over_is_shown_by_the_entry_after_it(verify):
    ledger = Ledger()
    for day in (20, 21, 22):
        ledger.export(SHOP, day)
    *mine, after, between, closing = (
        index for index, (project, *_) in enumerate(ledger.facts) if project == SHOP
    )
    over = {"until": "2026-11-20T00:00:00.000000Z"}
    status, words = verify(Bundle(ledger, SHOP, shown=[*mine, after, closing], **over))
    assert (status, "and the entry after the period is there too" in words) == (0, True), words
    status, words = verify(Bundle(ledger, SHOP, shown=[*mine, closing], **over))
    assert (status, f"Entries are missing before leaf {closing}" in words) == (65, True)
    status, words = verify(Bundle(ledger, SHOP, shown=[*mine, after, closing]))
    assert (status, f"Entries are missing before leaf {closing}" in words) == (65, True)
    assert between not in mine


def test_a_period_that_has_no_entry_is_shown_to_have_none(verify):
    ledger = Ledger(day=1)
    ledger.export(SHOP, day=20)
    status, words = verify(Bundle(ledger, SHOP, until="2026-11-01T00:00:00.000000Z"))
    assert (status, "There is no entry of the period" in words) == (0, True), words


def test_a_bundle_that_hides_its_beginning_says_that_it_cannot_show_it(verify):
    ledger = Ledger()
    ledger.export(SHOP)
    mine = [index for index, (project, *_) in enumerate(ledger.facts) if project == SHOP]
    status, words = verify(Bundle(ledger, SHOP, shown=mine[1:]))
    assert status == 0, words
    assert "whether what came before is of the period, it cannot show" in words


@pytest.mark.parametrize("part", ["prev", "seq"])
def test_a_history_that_was_rewritten_before_it_was_sealed_is_found(verify, part):
    def bend(entry):
        if entry["type"] == "request.approved" and entry["project"] == SHOP:
            return {**entry, part: entry["seq"] + 1 if part == "seq" else "ab" * 32}
        return entry

    status, words = verify(whole(SHOP, bend=bend))
    assert (status, "has a gap or was changed" in words) == (65, True), words


@pytest.mark.parametrize(
    "name", ["entries.jsonl", "proofs/tree.txt", "receipts/permits.jsonl", "proofs/start.txt"]
)
def test_nonsense_in_a_file_is_a_finding_and_nothing_else(verify, name):
    for data in (b"", b"\xff\xfe", b"{}\n", b"[" * 5000 + b"\n", b"\x1b[2J\n"):
        bundle = whole()
        bundle.files[name] = data
        status, words = verify(bundle)
        assert (status, "FAILS" in words, "\x1b" in words) == (65, True, False)


@pytest.mark.parametrize("missing", ["entries.jsonl", "keys/permits.json", "population.csv"])
def test_a_bundle_without_one_of_its_files_is_refused(verify, missing):
    bundle = whole()
    manifest = bundle.manifest()
    del bundle.files[missing]
    assert verify(bundle)[0] == 65
    assert verify(bundle, manifest=manifest)[0] == 65


def test_a_file_that_nobody_signed_is_refused(verify):
    bundle = whole()
    manifest = bundle.manifest()
    bundle.files["summary.pdf"] = b"%PDF"
    status, words = verify(bundle, manifest=manifest)
    assert (status, "its manifest does not name: summary.pdf" in words) == (65, True)
    assert verify(bundle)[0] == 0


def test_what_is_no_bundle_or_no_key_ends_with_64(client, tmp_path):
    def run(*arguments):
        return client.main(["evidence", "verify", *map(str, arguments)])

    path = tmp_path / "bundle.zip"
    path.write_bytes(b"PK no zip")
    assert run(path) == run(tmp_path / "none.zip") == 64
    whole().write(path)
    for wrong in ("nonsense", SIGNER.key.vkey[:-4] + "AAA="):
        assert run(path, "--key", wrong) == 64
    path.write_bytes(path.read_bytes()[:-100])
    assert run(path) == 64


def test_tables_of_multiples_give_what_adding_gives(client):
    tables = client.Tables()
    for factor in (1, 255, 256, client.N - 1, 0xD1CE << 200):
        assert tables.times(factor, client.G) == client.times(factor, client.G)


def test_who_watches_sees_a_bar_and_a_log_hears_nothing(client, monkeypatch):
    monkeypatch.delenv("TERM", raising=False)
    for watched in (True, False):
        stream = io.StringIO()
        stream.isatty = lambda watched=watched: watched
        client.Say(stream, False).bar(25, 50, "entries")
        assert ("[##########..........] 25 of 50 entries" in stream.getvalue()) == watched
