"""The table of legal moves in the database, and triggers that hold to it."""

from django.db import migrations

from portal.ledger.sql import immutable

# Frozen on purpose: a later change of states.py comes with a migration of its own, and a test
# compares the two.
REQUEST_MOVES = [
    ("submitted", "pending"),
    ("submitted", "approved"),
    ("submitted", "denied"),
    ("submitted", "withdrawn"),
    ("submitted", "expired"),
    ("submitted", "superseded"),
    ("pending", "approved"),
    ("pending", "rejected"),
    ("pending", "denied"),
    ("pending", "expired"),
    ("pending", "withdrawn"),
    ("pending", "superseded"),
    ("approved", "redeemed"),
    ("approved", "pending"),
    ("approved", "expired"),
    ("approved", "withdrawn"),
    ("approved", "revoked"),
]
PERMIT_MOVES = [
    ("issued", "running"),
    ("issued", "expired"),
    ("running", "succeeded"),
    ("running", "failed"),
    ("running", "lost"),
]


def _values(machine: str, moves: list[tuple[str, str]]) -> str:
    return ", ".join(f"('{machine}', '{old}', '{new}')" for old, new in moves)


SQL = f"""
CREATE TABLE approvals_move (
    machine text NOT NULL, before text NOT NULL, after text NOT NULL,
    PRIMARY KEY (machine, before, after)
);
INSERT INTO approvals_move VALUES {_values("request", REQUEST_MOVES)};
INSERT INTO approvals_move VALUES {_values("permit", PERMIT_MOVES)};

CREATE FUNCTION approvals_check_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM approvals_move
                   WHERE machine = TG_ARGV[0] AND before = OLD.status
                     AND after = NEW.status) THEN
        RAISE EXCEPTION 'illegal move of %: % -> %', TG_ARGV[0], OLD.status, NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION approvals_check_first() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> TG_ARGV[0] THEN
        RAISE EXCEPTION 'a row begins as %, not %', TG_ARGV[0], NEW.status
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION approvals_keep_payload() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the payload of a request never changes'
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER request_move BEFORE UPDATE OF status ON approvals_request FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION approvals_check_move('request');
CREATE TRIGGER request_first BEFORE INSERT ON approvals_request FOR EACH ROW
    EXECUTE FUNCTION approvals_check_first('submitted');
CREATE TRIGGER request_payload BEFORE UPDATE ON approvals_request FOR EACH ROW
    WHEN (OLD.payload IS DISTINCT FROM NEW.payload OR OLD.digest IS DISTINCT FROM NEW.digest
          OR OLD.project_id IS DISTINCT FROM NEW.project_id
          OR OLD.environment_id IS DISTINCT FROM NEW.environment_id
          OR OLD.account_id IS DISTINCT FROM NEW.account_id
          OR OLD.action IS DISTINCT FROM NEW.action
          OR OLD.subject IS DISTINCT FROM NEW.subject OR OLD.run IS DISTINCT FROM NEW.run
          OR OLD.labels IS DISTINCT FROM NEW.labels OR OLD.claims IS DISTINCT FROM NEW.claims)
    EXECUTE FUNCTION approvals_keep_payload();
CREATE TRIGGER permit_move BEFORE UPDATE OF status ON approvals_permit FOR EACH ROW
    WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION approvals_check_move('permit');
CREATE TRIGGER permit_first BEFORE INSERT ON approvals_permit FOR EACH ROW
    EXECUTE FUNCTION approvals_check_first('issued');
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_move;
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_first;
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_payload;
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_move;
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_first;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        REVOKE INSERT, UPDATE, DELETE ON approvals_move FROM countersign_app;
    END IF;
END $$;
"""
IMMUTABLE = "".join(
    immutable(table)
    for table in ("approvals_snapshot", "approvals_verdict", "approvals_decision")
)


class Migration(migrations.Migration):
    dependencies = [("approvals", "0002_initial"), ("portal", "0002_ledger")]
    operations = [migrations.RunSQL(SQL + IMMUTABLE, migrations.RunSQL.noop)]
