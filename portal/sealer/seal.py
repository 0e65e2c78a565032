"""The sealer's day: hold the lock, seal every half second, begin again after anything."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from portal.sealer.append import Log
from portal.sealer.find import Connection
from portal.sealer.key import Signers
from portal.sealer.options import Options
from portal.sealer.publish import publish_checkpoints, sign_checkpoints

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds from one look to the next
LOCK = 7_236_501_947  # any number that nobody else locks
LOCK_PAUSE = 2.0
AWAY_PAUSE = 2.0


class Unsafe(Exception):
    """The database would forget what it acknowledged; the message says what to set."""


def seal_for_ever(options: Options, *, new_key: bool = False) -> None:
    """Seal until the process ends. Raises Unsafe and KeyRefused."""
    while True:
        try:
            with open_connection(options.database_url) as connection:
                wait_for_lock(connection)
                refuse_to_forget(connection)
                seal(connection, options, new_key=new_key)
        except psycopg.Error as error:
            log.warning("begins again: %s", str(error).strip()[:300])
        time.sleep(AWAY_PAUSE)


def open_connection(database_url: str) -> Connection:
    """A connection whose transactions are REPEATABLE READ; statements are planned once.

    Statistics of a growing table are always behind: without a word the planner takes "newer than
    all we know" for a third of the ledger and reads the whole.
    """
    connection = psycopg.connect(
        database_url,
        autocommit=True,
        connect_timeout=5,
        keepalives=1,
        keepalives_idle=20,
        application_name="countersign sealer",
        prepare_threshold=1,
        cursor_factory=psycopg.Cursor,
    )
    connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    connection.execute("SET plan_cache_mode = force_generic_plan")
    connection.execute("SET enable_seqscan = off")
    return connection


def wait_for_lock(connection: Connection, pause: float = LOCK_PAUSE) -> None:
    """Return when this connection is the only one that seals; the lock ends with the connection.

    It asks again and again: a statement that waits would hold vacuum back for as long.
    """
    waits = False
    while not connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()[0]:  # type: ignore[index]
        if not waits:
            log.info("another sealer is at work: waiting until it ends")
            waits = True
        time.sleep(pause)


def refuse_to_forget(connection: Connection) -> None:
    """Raise Unsafe where a crash would take back what was committed."""
    found = connection.execute("SHOW synchronous_commit").fetchone()
    if found == ("off",):
        raise Unsafe(
            "synchronous_commit is off: a crash would take sealed entries back. "
            f"Run: ALTER ROLE {connection.info.user} SET synchronous_commit = on"
        )


def seal(
    connection: Connection,
    options: Options,
    *,
    new_key: bool = False,
    rounds: Callable[[], bool] = lambda: True,
) -> None:
    """Finish what an earlier sealer left, then seal while `rounds` says so."""
    ledger = Log(connection, options.origin)
    signers = Signers(options.key_file, ledger.origin, connection, new=new_key)
    log.info("%s: %d entries sealed; key %s", ledger.origin, ledger.size, signers.now()[0].key.vkey)
    sign_checkpoints(connection, signers.now())
    publish_checkpoints(connection)
    today = _today()
    while rounds():
        begun = time.monotonic()
        compare_all, today = today != _today(), _today()
        if ledger.append(compare_all=compare_all):
            sign_checkpoints(connection, signers.now())
            publish_checkpoints(connection)
        time.sleep(max(0.0, begun + PAUSE - time.monotonic()))


def _today() -> int:
    return datetime.now(UTC).toordinal()
