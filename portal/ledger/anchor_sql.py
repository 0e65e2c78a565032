"""The tables about what stands outside of the database (LEDGER: outside witness).

Used by the migration. Like those of the sealed log: rows are only ever added, by the sealer.
"""

from portal.ledger.seal_sql import append_only, grants

ANCHOR_TABLES = """
-- A log that goes on under another name; the first one of a portal has no row here.
CREATE TABLE ledger_origin (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    origin text NOT NULL UNIQUE,
    extension text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What a witness signed, as a line of the note; `key` is its name+id+key.
CREATE TABLE ledger_cosignature (
    size bigint REFERENCES ledger_checkpoint,
    key text,
    line text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (size, key)
);

-- How a place does, a row whenever that changes; without words it does well.
CREATE TABLE ledger_place (
    place text,
    number bigint GENERATED ALWAYS AS IDENTITY,
    problem text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (place, number)
);
"""

_COLUMNS = {
    "ledger_origin": "origin, extension",
    "ledger_cosignature": "size, key, line",
    "ledger_place": "place, problem",
}
ANCHORS = tuple(_COLUMNS)
ANCHOR_GUARDS = "".join(map(append_only, ANCHORS))
ANCHOR_GRANTS = f"DO $$ BEGIN {''.join(grants(*pair) for pair in _COLUMNS.items())} END $$;"
