"""Which months of the ledger were put into files, as SQL. Used by the migration.

Leaves, tiles and checkpoints stay online for ever: 32 bytes an entry, and the log goes on proving
what is archived. `leaves` are the places of a month's entries in the log: one range, and around
midnight a few more.
"""

from portal.ledger.sql import immutable

TABLE = f"""
CREATE TABLE ledger_archive (
    month date CHECK (extract(day FROM month) = 1),
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    file text NOT NULL,
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    entries bigint NOT NULL CHECK (entries > 0),
    leaves int8multirange NOT NULL CHECK (NOT isempty(leaves)),
    PRIMARY KEY (month, at)
);
{immutable("ledger_archive")}
CREATE TRIGGER ledger_archive_no_truncate BEFORE TRUNCATE ON ledger_archive
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE ledger_archive ENABLE ALWAYS TRIGGER ledger_archive_no_truncate;

CREATE FUNCTION countersign_is_online(month date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = to_regclass('ledger_entry')
        AND inhrelid = to_regclass('ledger_entry_' || to_char(month, 'YYYY_MM'))
    )
$$;

-- The months that stand in files only: one that was restored is not among them.
CREATE VIEW ledger_archived AS
    SELECT DISTINCT ON (month) month, at, file, sha256, entries, leaves FROM ledger_archive
    WHERE NOT countersign_is_online(month) ORDER BY month, at DESC;
"""  # noqa: S608  (constants)

GRANTS = """
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        REVOKE ALL ON ledger_archive, ledger_archived FROM countersign_app;
        GRANT SELECT ON ledger_archive, ledger_archived TO countersign_app;
    END IF;
END $$;
"""
DROP = """
DROP VIEW ledger_archived; DROP TABLE ledger_archive; DROP FUNCTION countersign_is_online;
"""
