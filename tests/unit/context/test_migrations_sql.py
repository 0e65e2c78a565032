"""SQL of migrations: what drops, what locks, whoever's SQL it is and however it is hidden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from approvals.context.migrations_sql import read_sql


def kinds(text):
    found = read_sql(text)
    return {name for name in ("drops", "locks", "unclear") if getattr(found, name)}


DROPS = [
    "DROP TABLE orders",
    "drop table if exists orders cascade;",
    "ALTER TABLE orders DROP COLUMN total",
    "ALTER TABLE orders DROP total, ADD sum int",
    "ALTER TABLE `orders` DROP `total`",
    "ALTER TABLE orders DROP CONSTRAINT positive",
    "DROP INDEX CONCURRENTLY i",
    "DROP SCHEMA shop CASCADE",
    "TRUNCATE orders",
    "TRUNCATE TABLE ONLY orders RESTART IDENTITY",
    "DELETE FROM orders",
    "DELETE FROM orders WHERE true",
    "DELETE FROM orders WHERE 1 = 1",
    "DELETE FROM orders USING lines LIMIT 5",
    "WITH gone AS (DELETE FROM orders RETURNING *) SELECT * FROM gone WHERE id = 1",
    "DELETE orders SELECT * FROM lines WHERE id = 1",
    "DROP/**/TABLE orders",
    "SELECT 1;DROP\tTABLE\norders",
    "DO $$ BEGIN DROP TABLE orders; END $$",
    "DO $a$ BEGIN EXECUTE $b$ DROP TABLE orders $b$; END $a$",
    "DO 'BEGIN DROP TABLE orders; END'",
    "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DELETE FROM orders; END $$",
    "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'TRUNCATE orders'",
    "BEGIN\nDROP TABLE [dbo].[orders]\nGO\nSELECT 1",
    "/*!50003 DROP TABLE orders */",
    "/*!50003DROP TABLE orders */",
    # Quotes and comments that end elsewhere for another vendor.
    r"INSERT INTO t VALUES ('it\'s'); DROP TABLE orders; -- '",
    r"INSERT INTO t VALUES ('c:\'); DROP TABLE orders; -- '",
    "SELECT 1 /* a /* b */; DROP TABLE orders; /* */ */",
    "INSERT INTO t VALUES (q'[ ' ]'); DROP TABLE orders; --'",
    "# it's a comment\nDROP TABLE orders; -- '",
]
LOCKS = [
    "ALTER TABLE orders ALTER COLUMN total TYPE bigint",
    "ALTER TABLE orders ALTER total SET DATA TYPE bigint USING total::bigint",
    "ALTER TABLE orders ALTER COLUMN total SET NOT NULL",
    "ALTER TABLE orders ALTER COLUMN total bigint NOT NULL",
    "ALTER TABLE orders MODIFY COLUMN total bigint",
    "ALTER TABLE orders CHANGE total sum bigint",
    "CREATE INDEX by_day ON orders (day)",
    "CREATE UNIQUE INDEX IF NOT EXISTS by_day ON orders (day)",
    "CREATE TABLE IF NOT EXISTS orders (id int); CREATE INDEX i ON orders (id)",
    'CREATE TABLE "Orders" (id int); CREATE INDEX i ON orders (id)',
    "CREATE TABLE old.orders (id int); CREATE INDEX i ON orders (id)",
    "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)",
    "ALTER TABLE orders ADD COLUMN a int, ADD FOREIGN KEY (a) REFERENCES lines (id)",
    "ALTER TABLE orders ADD COLUMN a int UNIQUE",
    "ALTER TABLE orders ADD id2 bigserial",
    "ALTER TABLE orders ADD INDEX i (day)",
    "ALTER TABLE orders SET TABLESPACE slow",
    "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE",
    "LOCK orders",
    "LOCK TABLES orders WRITE",
    "VACUUM FULL orders",
    "VACUUM (VERBOSE, FULL) orders",
    "CLUSTER orders USING by_day",
    "REINDEX TABLE orders",
    "OPTIMIZE TABLE orders",
    "REFRESH MATERIALIZED VIEW totals",
]
UNCLEAR = [
    "DO $$ BEGIN EXECUTE format('%s', x); END $$",
    "EXEC sp_executesql @sql",
    "EXECUTE IMMEDIATE x",
    "PREPARE gone FROM @sql",
    "DROP TABLE 'half",
    "\\i other.sql\nSELECT 1",
    "ALTER TABLE {{ table }} ADD x int",
]
HARMLESS = [
    "",
    "CREATE TABLE orders (id int PRIMARY KEY, deleted bool, key text REFERENCES keys (id))",
    "CREATE TABLE orders (id int); CREATE INDEX i ON orders (id);"
    " ALTER TABLE orders ADD CONSTRAINT c CHECK (id > 0)",
    "CREATE INDEX CONCURRENTLY by_day ON orders (day)",
    "ALTER TABLE orders ADD COLUMN note text DEFAULT ''",
    "ALTER TABLE orders ADD COLUMN key text, ALTER note DROP DEFAULT",
    "ALTER TABLE orders ALTER COLUMN note DROP NOT NULL",
    "ALTER TABLE orders ALTER COLUMN note SET DEFAULT 'drop table'",
    "ALTER TABLE orders ADD CONSTRAINT c CHECK (total > 0) NOT VALID",
    "ALTER TABLE orders ADD CONSTRAINT c UNIQUE USING INDEX by_day",
    "ALTER TABLE orders VALIDATE CONSTRAINT c",
    "ALTER TABLE orders RENAME COLUMN a TO b",
    "DELETE FROM orders WHERE id = 5",
    "DELETE FROM orders USING lines WHERE lines.id = orders.line",
    "INSERT INTO notes VALUES ('drop table orders; delete from lines')",
    "CREATE TABLE a (b int REFERENCES c ON DELETE CASCADE)",
    "CREATE TRIGGER t AFTER INSERT OR DELETE ON orders FOR EACH ROW EXECUTE FUNCTION f()",
    "CREATE TRIGGER t BEFORE TRUNCATE ON orders EXECUTE PROCEDURE f()",
    "GRANT SELECT, DELETE, TRUNCATE ON orders TO shop",
    "GRANT EXECUTE ON FUNCTION f TO shop",
    "REFRESH MATERIALIZED VIEW CONCURRENTLY totals",
    "REINDEX INDEX CONCURRENTLY by_day",
    "SELECT truncate(total, 2) FROM orders",
    "-- DROP TABLE orders\nSELECT 1",
    "/* DROP TABLE orders; */ SELECT 1",
    'SELECT "drop" FROM orders',
    "CREATE TEMP TABLE x (id int) ON COMMIT DROP",
    "VACUUM ANALYZE orders",
    "it's no SQL at all",
]


@pytest.mark.parametrize("text", DROPS)
def test_what_drops_is_found(text):
    assert "drops" in kinds(text)


@pytest.mark.parametrize("text", LOCKS)
def test_what_locks_is_found(text):
    assert "locks" in kinds(text)


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_cannot_be_told_is_said(text):
    assert "unclear" in kinds(text)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_is_not_found(text):
    assert kinds(text) == set()


def test_a_finding_names_the_statement_and_the_place_in_it():
    columns = ", ".join(f"ADD COLUMN column_{number} int" for number in range(40))
    found = read_sql(f"SELECT 1;\n-- why\nALTER TABLE orders\n  {columns}, DROP COLUMN total;")
    assert found.drops == [
        "ALTER TABLE orders ADD COLUMN column_0 int, ADD COLUMN colum… DROP COLUMN total"
    ]


def test_each_place_is_told_once_whoever_could_have_said_it():
    text = "DO $$ BEGIN DROP TABLE orders; END $$; DROP TABLE lines; CREATE INDEX i ON t (a)"
    found = read_sql(text)
    assert found.drops == ["BEGIN DROP TABLE orders", "DROP TABLE lines"]
    assert found.locks == ["CREATE INDEX i ON t (a)"]


def test_bodies_within_bodies_come_to_an_end():
    text = "DROP TABLE orders"
    for depth in range(20):
        text = f"DO $d{depth}$ BEGIN {text}; END $d{depth}$"
    assert kinds(text) & {"drops", "unclear"}


@given(st.text(max_size=80))
def test_any_text_is_read(text):
    read_sql(text)


@given(
    st.lists(st.sampled_from([*DROPS, *LOCKS, *UNCLEAR, *HARMLESS, "'", "$$", "(", ")", "*/"])),
    st.sampled_from([";", "\n", " "]),
)
def test_any_mixture_is_read(parts, between):
    read_sql(between.join(parts))
