"""The sealer's day: hold the lock, seal every half second, begin again after anything."""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from portal.sealer.anchoring import Anchoring, hear_places
from portal.sealer.append import Log
from portal.sealer.find import Connection
from portal.sealer.history import History
from portal.sealer.key import Signers, signers_of
from portal.sealer.new_origin import begin_origin
from portal.sealer.options import Options
from portal.sealer.places import places_of
from portal.sealer.publish import publish_checkpoints, sign_checkpoints
from portal.sealer.refusals import Unsafe

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds from one look to the next
LOCK = 7_236_501_947  # any number that nobody else locks
LOCK_PAUSE = 2.0
AWAY_PAUSE = 2.0
_LAST_SIGNED = """
    SELECT origin FROM ledger_checkpoint WHERE size = (SELECT max(size) FROM ledger_signature)
"""


def seal_for_ever(options: Options, *, new_key: bool = False) -> None:
    """Seal until the process ends. Raises Unsafe, KeyRefused, Contradicted, WrongSetting."""
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
    """Finish what an earlier sealer left, then seal while `rounds` says so.

    Raises KeyRefused, Contradicted, WrongSetting.
    """
    places = places_of(options.anchors)
    ledger = Log(connection, options.origin)
    begins = not _has_signed(connection, ledger.origin)
    signers = Signers(options.key_file, ledger.origin, connection, new=new_key or begins)
    now = signers.now()
    log.info("%s: %d entries sealed; key %s", ledger.origin, ledger.size, now[0].key.vkey)
    hear_places(places, History(connection, ledger.origin, now))
    sign_checkpoints(connection, now)
    publish_checkpoints(connection)
    today = _today()
    anchoring = Anchoring(
        lambda: open_connection(options.database_url),
        places,
        options.anchor_seconds,
        ledger.origin,
        now,
    )
    with anchoring:
        while rounds():
            begun = time.monotonic()
            anchoring.require()
            compare_all, today = today != _today(), _today()
            if ledger.append(compare_all=compare_all):
                sign_checkpoints(connection, signers.now())
                publish_checkpoints(connection)
            time.sleep(max(0.0, begun + PAUSE - time.monotonic()))


def go_on_anew(options: Options, *, new_key: bool = False) -> str:
    """Begin a new log that goes on from this one (`--new-origin`); the sentence that says so.

    Raises Unsafe, KeyRefused, WrongSetting.
    """
    places = places_of(options.anchors)
    with open_connection(options.database_url) as connection:
        wait_for_lock(connection)
        old = Log(connection, options.origin).origin
        signers = signers_of(options.key_file, old, connection, new=new_key)
        before = begin_origin(History(connection, old, signers), places, options.origin)
    return (
        f"The log is called {options.origin} from its next checkpoint on. It goes on from "
        f"{before.origin} at {before.size} entries, and every checkpoint of it says so. "
        "Start the sealer as always."
    )


def _has_signed(connection: Connection, origin: str) -> bool:
    """Whether the newest signed checkpoint is of this log; keys bear its name."""
    return connection.execute(_LAST_SIGNED).fetchone() == (origin,)


def _today() -> int:
    return datetime.now(UTC).toordinal()
