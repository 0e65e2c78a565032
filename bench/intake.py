"""Auto-approved POSTs of eight pipelines at once, against bare INSERT and commit of a similar row.

The floor is pgbench with eight clients on the same server: one INSERT a transaction into a table
with the columns and the primary key of a request. Portal and floor take turns.
"""

import asyncio
import re
import subprocess
import time
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from approvals.models import Request
from bench.company import found_company, pipeline, submission
from bench.figures import Figure
from bench.http import Connection
from bench.many import Place, copy_requests
from bench.world import Database, portal
from portal.directory.models import ApproverGroup
from portal.runner.binaries import find_postgres
from tests.factories import ask

CLIENTS = 8
SECONDS = 4
TURNS = 3
PENDING = 100_000
TABLE = """
CREATE TABLE bench_insert (LIKE approvals_request INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
ALTER TABLE bench_insert ALTER number DROP DEFAULT, ADD PRIMARY KEY (id);
"""


def run(base: Database) -> list[Figure]:
    """The rate against the floor, then with 100,000 pending against the empty queue."""
    company = found_company()
    model, url = ask(company), base.server.owner_url
    pgbench = _PgBench(base, model)
    headers = pipeline(company)
    with portal(base) as port:
        asyncio.run(_rate(port, headers, 1))  # warms up
        rates, floors = _turns(port, headers, pgbench)
        empty = median(rates)
        ratio = empty / median(floors)
        note = f"{empty:.0f}/s, floor {median(floors):.0f}/s"
        place = Place(company.production, ApproverGroup.objects.get(name="team-leads"))
        copy_requests(url, model, [place], pending=PENDING, over=0)
        full, floors_full = _turns(port, headers, pgbench)
    # The machine's load moves both: each rate counts in parts of its own floor.
    kept = median(full) / median(floors_full) / ratio
    name = "intake, 8 clients / bare INSERT"
    return [
        Figure(name, ratio, at_least=0.03, note=note),
        Figure(f"{name} (stretch)", ratio, at_least=0.06),
        Figure(
            f"intake at {PENDING:,} pending / at none",
            kept,
            at_least=0.9,
            note=f"{median(full):.0f}/s, floor {median(floors_full):.0f}/s",
        ),
    ]


def _turns(
    port: int, headers: dict[str, str], pgbench: "_PgBench"
) -> tuple[list[float], list[float]]:
    rates, floors = [], []
    for _ in range(TURNS):
        floors.append(pgbench.rate())
        rates.append(asyncio.run(_rate(port, headers, SECONDS)))
    return rates, floors


async def _rate(port: int, headers: dict[str, str], seconds: float) -> float:
    """Approved POSTs a second."""
    ends = time.monotonic() + seconds
    done = await asyncio.gather(*(_client(port, headers, ends) for _ in range(CLIENTS)))
    return sum(done) / seconds


async def _client(port: int, headers: dict[str, str], ends: float) -> int:
    connection = await Connection.open(port)
    count = 0
    while time.monotonic() < ends:
        body, own = submission("staging")
        answer = await connection.call("POST", "/api/v1/requests", body, {**headers, **own})
        if answer.status != 201:
            raise RuntimeError(f"a POST was answered with {answer.status}: {answer.body[:200]!r}")
        count += 1
    await connection.close()
    return count


class _PgBench:
    """The floor: PostgreSQL's own load generator."""

    def __init__(self, base: Database, model: Request) -> None:
        self._program = find_postgres().postgres.parent / "pgbench"
        self._socket = str(base.server.socket_directory)
        self._script = Path(base.environment["COUNTERSIGN_HOME"]) / "insert.sql"
        with psycopg.connect(base.server.owner_url) as connection:
            connection.execute(TABLE)
            statement = _insert(connection, model)
        self._script.write_text(statement)

    def rate(self) -> float:
        """Committed INSERTs a second."""
        said = subprocess.run(
            [
                self._program, "--no-vacuum", f"--client={CLIENTS}", "--jobs=2",
                f"--time={SECONDS}", f"--file={self._script}", f"--host={self._socket}",
                "--username=countersign_owner", "countersign",
            ],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        found = re.search(r"tps = ([\d.]+)", said)
        if found is None:
            raise RuntimeError(f"pgbench gave no rate: {said}")
        return float(found[1])


def _insert(connection: psycopg.Connection[Any], model: Request) -> str:
    """INSERT of all columns of a real request as literals, with a new id each time."""
    query = "SELECT * FROM approvals_request WHERE id = %s"
    row = connection.cursor(row_factory=dict_row).execute(query, [model.pk]).fetchone()
    if row is None:
        raise RuntimeError("the request to copy is gone")
    values = [_literal(value) for name, value in row.items() if name != "id"]
    statement = sql.SQL("INSERT INTO bench_insert ({}) VALUES ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, ["id", *(name for name in row if name != "id")])),
        sql.SQL(", ").join([sql.SQL("gen_random_uuid()"), *values]),
    )
    return statement.as_string(connection).replace("\n", " ") + ";\n"


def _literal(value: Any) -> sql.Literal:
    """jsonb columns come as dicts and lists; the one array is of ids."""
    plain = isinstance(value, list) and value and isinstance(value[0], UUID)
    return sql.Literal(Jsonb(value) if isinstance(value, dict | list) and not plain else value)
