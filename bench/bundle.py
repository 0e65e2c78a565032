"""An evidence bundle: writing it, and verifying it with the client.

The client is a process of its own under this Python, as an auditor runs it; it is given the file
and nothing else.
"""

import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg

from approvals.audit.bundle.build import take_bundle
from approvals.audit.reports.filters import ReportFilters, report_filters
from approvals.audit.scope import AuditScope
from approvals.lifecycle.receipt import ensure_signing_key
from bench.figures import Figure
from bench.sealing import BATCH, COLUMNS, ROWS
from bench.world import CHECKOUT, Database
from portal.accounts.models import User
from portal.runner.process import Command, launch
from tests import factories

# Projects from 1 on: what belongs to none is numbered under 0.
ADD = f"INSERT INTO ledger_entry {COLUMNS} {ROWS}".replace("mod(n, 50)", "1 + mod(n, 50)")
FEWER, MILLION = 10_000, 1_000_000
CLIENT = CHECKOUT / "plugins" / "client" / "countersign.py"


def run(base: Database, size: int = 100_000) -> list[Figure]:
    """Seconds to write it and to verify it, and the memory of both."""
    auditor = factories.company().admin
    ensure_signing_key()
    sealer = Command(
        [sys.executable, "-m", "portal.sealer"],
        {**base.environment, "DATABASE_URL": base.server.sealer_url},
        CHECKOUT,
    )
    process = launch(sealer, subprocess.DEVNULL)
    filters = report_filters(AuditScope(None), {})
    try:
        with tempfile.NamedTemporaryFile(suffix=".zip") as file:
            path = Path(file.name)
            _fill(base, FEWER)
            _write(auditor, filters, path)
            few = _peak()
            _fill(base, size - FEWER)
            written = _write(auditor, filters, path)
            much = _peak()
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds, memory = _verify(path)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        process.stop()
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return [
        Figure("evidence bundle written, entries/s", size / written,
               note=f"{written:.1f} s for {size:,}"),
        Figure(f"peak memory, {size:,} / {FEWER:,} entries", much / few, at_most=1.2,
               note=f"{much:.0f} / {few:.0f} MiB"),
        Figure("the client verifies it, as of a million entries", seconds * MILLION / size, " s",
               at_most=15, note=f"{seconds:.1f} s for {size:,}, {processor:.1f} s of it computing"),
        Figure("the client's memory", memory, " MiB", at_most=64),
    ]  # fmt: skip


def _fill(base: Database, count: int) -> None:
    """Add entries, and wait until they are under a published checkpoint."""
    with psycopg.connect(base.server.app_url, autocommit=True) as app:
        for _batch in range(0, count, BATCH):
            app.execute(ADD.replace("COUNT", str(BATCH)))
        behind = """SELECT (SELECT count(*) FROM ledger_entry) -
            (SELECT max(size) FROM ledger_publication WHERE place = 'portal')"""
        while app.execute(behind).fetchone() != (0,):
            time.sleep(0.2)


def _write(by: User, filters: ReportFilters, path: Path) -> float:
    begun = time.monotonic()
    with path.open("wb") as file:
        for part in take_bundle(by=by, filters=filters):
            file.write(part)
    return time.monotonic() - begun


def _verify(path: Path) -> tuple[float, float]:
    """Seconds, and MiB at the most (Linux). Raises CalledProcessError unless all holds."""
    # The client's own peak: what the system keeps of children would count this process too.
    tell = "import sys; sys.stderr.write(open('/proc/self/status').read())"
    code = (
        f"import runpy, sys; sys.argv = ['countersign', 'evidence', 'verify', {str(path)!r}]\n"
        f"try: runpy.run_path({str(CLIENT)!r}, run_name='__main__')\nfinally:\n {tell}"
    )
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    return time.monotonic() - begun, _peak_in(done.stderr)


def _peak() -> float:
    return _peak_in(Path("/proc/self/status").read_text())


def _peak_in(status: str) -> float:
    """MiB of a process at the most."""
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]
