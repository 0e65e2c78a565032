"""The tables of the sealed log as SQL (LEDGER: shape, guards). Used by the migration.

Rows are only ever added. Nothing refers to `ledger_entry` by a foreign key, so that a month of
entries can be detached while its leaves stay: the log goes on proving what is archived.
"""

from portal.ledger.sql import immutable

# Entries of no project are numbered together, under this id.
NO_PROJECT = "00000000-0000-0000-0000-000000000000"

# How the sealer finds what is new without reading what is old (portal/sealer/find.py).
ENTRY_INDEX = "CREATE INDEX ledger_entry_xid ON ledger_entry (xid);"

# The newest checkpoint that a key signed.
KEY_INDEX = "CREATE INDEX ledger_signature_key ON ledger_signature (key, size);"

SEAL_TABLES = f"""
CREATE TABLE ledger_leaf (
    index bigint PRIMARY KEY CHECK (index >= 0),
    entry bigint NOT NULL UNIQUE,
    project uuid,
    number bigint NOT NULL CHECK (number > 0),
    hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE UNIQUE INDEX ledger_leaf_number
    ON ledger_leaf (coalesce(project, '{NO_PROJECT}'::uuid), number);

-- Full tiles only: what is not full yet is read from the level below, so no row ever changes.
CREATE TABLE ledger_tile (
    level smallint CHECK (level BETWEEN 0 AND 7),
    index bigint CHECK (index >= 0),
    hashes bytea NOT NULL CHECK (octet_length(hashes) = 8192),
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    PRIMARY KEY (level, index)
);

-- Step 1, in one transaction with its leaves and tiles. `snapshot` is what the database showed
-- then, `cluster` which cluster's transaction numbers it speaks of.
CREATE TABLE ledger_checkpoint (
    size bigint PRIMARY KEY CHECK (size > 0),
    origin text NOT NULL,
    root bytea NOT NULL CHECK (octet_length(root) = 32),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    snapshot text NOT NULL,
    cluster text NOT NULL
);

CREATE TABLE ledger_key (
    vkey text PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Step 2: a note with one signature for each key that signs.
CREATE TABLE ledger_signature (
    size bigint REFERENCES ledger_checkpoint,
    key text REFERENCES ledger_key,
    note text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (size, key)
);

-- Step 3: where a checkpoint was published; `portal` means that this portal gives it to who asks.
CREATE TABLE ledger_publication (
    size bigint REFERENCES ledger_checkpoint,
    place text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (place, size)
);
"""

# Columns the sealer may fill; `at` is the database's own.
_COLUMNS = {
    "ledger_leaf": "index, entry, project, number, hash",
    "ledger_tile": "level, index, hashes, root",
    "ledger_checkpoint": "size, origin, root, snapshot, cluster",
    "ledger_key": "vkey",
    "ledger_signature": "size, key, note",
    "ledger_publication": "size, place",
}
TABLES = tuple(_COLUMNS)


def append_only(table: str) -> str:
    """Refuse every change of its rows."""
    return f"""
    {immutable(table)}
    CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}
        FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_no_truncate;
    """


def grants(table: str, columns: str) -> str:
    """Who reads it, and that the sealer adds to these columns of it."""
    return f"""
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        REVOKE ALL ON {table} FROM countersign_app;
        GRANT SELECT ON {table} TO countersign_app;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_sealer') THEN
        GRANT SELECT, INSERT ({columns}) ON {table} TO countersign_sealer;
    END IF;
    """  # noqa: S608  (constants)


SEAL_GUARDS = "".join(map(append_only, TABLES))
SEAL_GRANTS = f"DO $$ BEGIN {''.join(grants(*pair) for pair in _COLUMNS.items())} END $$;"
