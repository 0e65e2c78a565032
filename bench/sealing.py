"""The sealed ledger: what an append costs, how soon it is in a signed checkpoint, verification of
the whole and the proof of one entry.

The floor of an append is a plain table with the columns that the application gives. The sealer is
the real process; verification runs in a process of its own, so that its memory is its own.
"""

import re
import subprocess
import sys
import tempfile
import time
from multiprocessing import get_context
from pathlib import Path
from statistics import median

import psycopg

from bench.figures import Figure, milliseconds, percentile
from bench.world import CHECKOUT, Database
from portal.ledger.proofs import proof_of
from portal.ledger.verify import known_keys, verify_log
from portal.runner.binaries import find_postgres
from portal.runner.process import Command, launch

WRITERS, TURNS, TURN_SECONDS = 8, 3, 4
RATE, RATE_SECONDS = 1000, 10
BATCH = 10_000
MILLION, MOST_SECONDS, MOST_MIB = 1_000_000, 15, 64
PROOFS = 300
PLAIN = """
CREATE TABLE bench_plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id uuid,
    project uuid, request uuid, type text, actor_ref text, outcome text, payload bytea);
GRANT INSERT ON bench_plain TO countersign_app;
"""
COLUMNS = "(event_id, project, request, type, actor_ref, outcome, payload)"
# pgbench takes a colon for the beginning of a variable, so the JSON is written without.
ROWS = """
SELECT id, project, request, 'decision.recorded', 'ref', 'approve', convert_to(replace(
    '{"action"~{"digest"~"sha256~' || repeat('ab', 32) || '","kind"~"deploy"},"actor"~{"authn"~'
    '"session","kind"~"person","ref"~"ref","roles"~[]},"id"~"' || id || '","outcome"~"approve",'
    '"project"~"' || project || '","prev"~null,"request"~"' || request ||
    '","seq"~1,"time"~"2026-01-01T00~00~00.000000Z","type"~"decision.recorded","v"~1}',
    '~', chr(58)), 'UTF8')
FROM (SELECT uuidv7() AS id, uuidv7() AS request,
    CAST('00000000-0000-0000-0000-' || lpad(CAST(mod(n, 50) AS text), 12, '0') AS uuid) AS project
    FROM generate_series(1, COUNT) AS n) AS made
"""
SOONEST = """
SELECT percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM given - at))
FROM (SELECT entry.at, (SELECT min(at) FROM ledger_publication WHERE size > leaf.index) AS given
    FROM ledger_leaf AS leaf JOIN ledger_entry AS entry ON entry.id = leaf.entry) AS entries
"""


def run(base: Database, size: int) -> list[Figure]:
    """Append ratio; seconds to a published checkpoint; cost of verification and of proofs."""
    sealer = Command(
        [sys.executable, "-m", "portal.sealer"],
        {**base.environment, "DATABASE_URL": base.server.sealer_url},
        CHECKOUT,
    )
    process = launch(sealer, subprocess.DEVNULL)
    try:
        ratio, note = _append_ratio(base)
        _wait_until_sealed(base)
        usual, slow = _soonest(base)
        _fill(base, size)
        _wait_until_sealed(base)
        proofs = _proofs(base)
    finally:
        process.stop()
    with get_context("spawn").Pool(1) as pool:
        seconds, memory, verified = pool.apply(_verify, [base.server.app_url])
    return [
        Figure("append / plain INSERT, 8 writers, while it is sealed", ratio, at_least=0.85,
               note=note),
        Figure("entry to signed checkpoint at 1,000/s, p99", slow, " s", at_most=1,
               note=f"p50 {usual:.2f} s"),
        Figure("proof of one entry of them, warm, p95", percentile(proofs, 0.95) * 1000, " ms",
               at_most=20, note=milliseconds(proofs)),
        Figure("verification, as of a million entries", seconds * MILLION / verified, " s",
               at_most=MOST_SECONDS, note=f"{seconds:.1f} s for {verified:,}"),
        Figure("its memory", memory, " MiB", at_most=MOST_MIB),
    ]  # fmt: skip


def _proofs(base: Database) -> list[float]:
    """Seconds of proofs of entries from everywhere in the log, each tried as for an auditor."""
    with psycopg.connect(base.server.app_url) as app:
        last = app.execute("SELECT max(id) FROM ledger_entry").fetchone()[0]  # type: ignore[index]
        ids = app.execute(
            "SELECT id FROM ledger_entry WHERE id = ANY (%s)",
            [[last * n // PROOFS for n in range(1, PROOFS + 1)]],
        ).fetchall()
    for (entry,) in ids[::10]:
        proof_of(entry)
    seconds = []
    for (entry,) in ids:
        begun = time.perf_counter()
        proof_of(entry)
        seconds.append(time.perf_counter() - begun)
    return seconds


def _append_ratio(base: Database) -> tuple[float, str]:
    with psycopg.connect(base.server.owner_url, autocommit=True) as owner:
        owner.execute(PLAIN)
    ours, floors = [], []
    for _ in range(TURNS):
        floors.append(_rate(base, "bench_plain"))
        ours.append(_rate(base, "ledger_entry"))
    note = f"{median(ours):,.0f}/s, plain {median(floors):,.0f}/s"
    return median(ours) / median(floors), note


def _rate(base: Database, table: str) -> float:
    """Rows a second of eight clients, one row a transaction."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(f"INSERT INTO {table} {COLUMNS} {_rows(1)};")
        script.flush()
        program = find_postgres().postgres.with_name("pgbench")
        said = subprocess.run(
            [program, "-n", "-c", str(WRITERS), "-j", "2", "-T",
             str(TURN_SECONDS), "-f", script.name, "-h", str(base.server.socket_directory),
             "-U", "countersign_app", "countersign"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
    return float(re.search(r"tps = ([\d.]+)", said)[1])  # type: ignore[index]


def _soonest(base: Database) -> tuple[float, float]:
    """Half and 99 in 100 of the entries were in a published checkpoint after these seconds."""
    with psycopg.connect(base.server.app_url, autocommit=True) as app:
        first = app.execute("SELECT coalesce(max(index), -1) FROM ledger_leaf").fetchone()[0]  # type: ignore[index]
        begun = time.monotonic()
        for number in range(RATE * RATE_SECONDS // 10):
            time.sleep(max(0.0, begun + number * 10 / RATE - time.monotonic()))
            app.execute(f"INSERT INTO ledger_entry {COLUMNS} {_rows(10)}")
        _wait_until_sealed(base)
        found = app.execute(SOONEST.replace(") AS entries", f" WHERE index > {first}) AS entries"))
        usual, slow = found.fetchone()[0]  # type: ignore[index]
    return float(usual), float(slow)


def _rows(count: int) -> str:
    return ROWS.replace("COUNT", str(count))


def _fill(base: Database, size: int) -> None:
    with psycopg.connect(base.server.app_url, autocommit=True) as app:
        have = app.execute("SELECT count(*) FROM ledger_entry").fetchone()[0]  # type: ignore[index]
        for at in range(have, size, BATCH):
            count = min(BATCH, size - at)
            app.execute(f"INSERT INTO ledger_entry {COLUMNS} {_rows(count)}")


def _wait_until_sealed(base: Database) -> None:
    with psycopg.connect(base.server.app_url, autocommit=True) as app:
        (count,) = app.execute("SELECT count(*) FROM ledger_entry").fetchone()  # type: ignore[misc]
        newest = "SELECT coalesce(max(size), 0) FROM ledger_publication WHERE place = 'portal'"
        while app.execute(newest).fetchone()[0] < count:  # type: ignore[index]
            time.sleep(0.1)


def _verify(url: str) -> tuple[float, float, int]:
    """Seconds, MiB at the most (Linux), entries. Raises AssertionError unless all holds."""
    with psycopg.connect(url, autocommit=True) as connection:
        begun = time.monotonic()
        result = verify_log(connection, known_keys(connection))
        seconds = time.monotonic() - begun
    assert not result.findings, result.findings
    # Not getrusage: that counts the process that started this one too.
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    return seconds, int(peak[1]) / 1024, result.size  # type: ignore[index]
