"""The ledger's table and guards as SQL (LEDGER: shape, guards). Used by the migration.

Partitioned by month from the start, because a table cannot be turned into a partitioned one in
place. `at`, `id`, `xid` and `leaf` are the database's own: no role may choose them.
"""

TABLE = r"""
CREATE TABLE ledger_entry (
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    project uuid,
    request uuid,
    type text NOT NULL,
    actor_ref text NOT NULL,
    outcome text NOT NULL DEFAULT '',
    payload bytea NOT NULL CHECK (octet_length(payload) <= 61440),
    leaf bytea GENERATED ALWAYS AS (sha256('\x00'::bytea || payload)) STORED,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
CREATE INDEX ledger_entry_request ON ledger_entry (request, id) WHERE request IS NOT NULL;
CREATE INDEX ledger_entry_project ON ledger_entry (project, id) WHERE project IS NOT NULL;
"""

GUARDS = r"""
CREATE FUNCTION countersign_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry
    FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_append_only;
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_entry_no_truncate;

-- One month's partition, with the guards that do not come down from the parent.
CREATE FUNCTION countersign_ledger_partition(month date) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first date := date_trunc('month', month)::date;
    name text := 'ledger_entry_' || to_char(first, 'YYYY_MM');
BEGIN
    IF to_regclass(name) IS NOT NULL THEN RETURN; END IF;
    EXECUTE format(
        'CREATE TABLE %I PARTITION OF ledger_entry FOR VALUES FROM (%L) TO (%L)',
        name, first::timestamp AT TIME ZONE 'UTC',
        (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    PERFORM countersign_guard_partition(name);
END $$;

CREATE FUNCTION countersign_guard_partition(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE row_trigger text;
BEGIN
    EXECUTE format(
        'CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON %I '
        'FOR EACH STATEMENT EXECUTE FUNCTION countersign_refuse()', name);
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER ledger_entry_no_truncate', name);
    SELECT tgname INTO row_trigger FROM pg_trigger
        WHERE tgrelid = name::regclass AND tgname = 'ledger_entry_append_only';
    EXECUTE format('ALTER TABLE %I ENABLE ALWAYS TRIGGER %I', name, row_trigger);
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        EXECUTE format('REVOKE ALL ON %I FROM countersign_app', name);
    END IF;
END $$;

CREATE TABLE ledger_entry_rest PARTITION OF ledger_entry DEFAULT;
SELECT countersign_guard_partition('ledger_entry_rest');
SELECT countersign_ledger_partition((date_trunc('month', now()) + make_interval(months => m))::date)
    FROM generate_series(0, 23) AS m;
"""

GRANTS = r"""
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        REVOKE ALL ON ledger_entry FROM countersign_app;
        GRANT SELECT ON ledger_entry TO countersign_app;
        GRANT INSERT (event_id, project, request, type, actor_ref, outcome, payload)
            ON ledger_entry TO countersign_app;
    END IF;
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_sealer') THEN
        GRANT SELECT ON ledger_entry TO countersign_sealer;
    END IF;
END $$;
"""

MONTHS_AHEAD = 24
MAKE_PARTITION = """
SELECT countersign_ledger_partition(
    (date_trunc('month', now()) + make_interval(months => %s))::date)
"""
COUNT_PARTITIONS = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'ledger_entry'::regclass"


def immutable(table: str) -> str:
    """SQL that makes the rows of `table` unchangeable for every role short of its owner's DDL."""
    return f"""
    CREATE TRIGGER {table}_immutable BEFORE UPDATE OR DELETE ON {table}
        FOR EACH ROW EXECUTE FUNCTION countersign_refuse();
    ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_immutable;
    """
