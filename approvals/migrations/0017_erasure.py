"""Texts of people can be erased, by the owner of the tables, and nothing else about a row moves."""

from django.db import migrations, models
from django.db.models import Q

GUARDS = r"""
-- Only the owner of the table: what serves requests can erase nothing, whoever holds its rights.
CREATE FUNCTION approvals_may_erase(target oid) RETURNS boolean LANGUAGE sql STABLE AS
    'SELECT pg_has_role(current_user, relowner, ''MEMBER'') FROM pg_class WHERE oid = target';

CREATE FUNCTION approvals_erase_decision() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE texts text[] := '{comment,comment_salt,erased_at}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF approvals_may_erase(TG_RELID)
           AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL
           AND NEW.comment = '' AND octet_length(NEW.comment_salt) = 0
           AND to_jsonb(NEW) - texts = to_jsonb(OLD) - texts THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION approvals_erase_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE texts text[] := '{facts,facts_digest,salt}';
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF approvals_may_erase(TG_RELID)
           AND octet_length(OLD.salt) > 0 AND octet_length(NEW.salt) = 0
           AND NEW.facts_digest = ''
           AND to_jsonb(NEW) - texts = to_jsonb(OLD) - texts
           -- A fact stays, or its value gives way to the commitment that the digest covers.
           AND NOT EXISTS (
               SELECT 1 FROM jsonb_each(OLD.facts) AS o FULL JOIN jsonb_each(NEW.facts) AS n USING (key)
               WHERE n.value IS DISTINCT FROM o.value
                 AND (n.value - 'commit' IS DISTINCT FROM o.value - 'value'
                      OR NOT n.value ? 'commit' OR NOT o.value ? 'value')) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on % is refused: its rows never change', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE FUNCTION approvals_erase_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF approvals_may_erase(TG_RELID)
       AND OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL
       AND NEW.reason = '' AND octet_length(NEW.reason_salt) = 0
       AND NEW.body_digest = '' AND NEW.run = OLD.run - 'actor' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'the payload of a request never changes'
        USING ERRCODE = 'insufficient_privilege';
END $$;

DROP TRIGGER approvals_decision_immutable ON approvals_decision;
CREATE TRIGGER approvals_decision_immutable BEFORE UPDATE OR DELETE ON approvals_decision
    FOR EACH ROW EXECUTE FUNCTION approvals_erase_decision();
ALTER TABLE approvals_decision ENABLE ALWAYS TRIGGER approvals_decision_immutable;

DROP TRIGGER approvals_snapshot_immutable ON approvals_snapshot;
CREATE TRIGGER approvals_snapshot_immutable BEFORE UPDATE OR DELETE ON approvals_snapshot
    FOR EACH ROW EXECUTE FUNCTION approvals_erase_snapshot();
ALTER TABLE approvals_snapshot ENABLE ALWAYS TRIGGER approvals_snapshot_immutable;

DROP TRIGGER request_payload ON approvals_request;
CREATE TRIGGER request_payload BEFORE UPDATE ON approvals_request FOR EACH ROW
    WHEN (OLD.payload IS DISTINCT FROM NEW.payload OR OLD.digest IS DISTINCT FROM NEW.digest
          OR OLD.project_id IS DISTINCT FROM NEW.project_id
          OR OLD.environment_id IS DISTINCT FROM NEW.environment_id
          OR OLD.account_id IS DISTINCT FROM NEW.account_id
          OR OLD.action IS DISTINCT FROM NEW.action
          OR OLD.subject IS DISTINCT FROM NEW.subject
          OR OLD.labels IS DISTINCT FROM NEW.labels OR OLD.claims IS DISTINCT FROM NEW.claims)
    EXECUTE FUNCTION approvals_keep_payload();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_payload;

DROP TRIGGER request_origin ON approvals_request;
CREATE TRIGGER request_origin BEFORE UPDATE OF token_id, idempotency_key, created_at, number
    ON approvals_request FOR EACH ROW
    WHEN (OLD.token_id IS DISTINCT FROM NEW.token_id
          OR OLD.idempotency_key IS DISTINCT FROM NEW.idempotency_key
          OR OLD.created_at IS DISTINCT FROM NEW.created_at
          OR OLD.number IS DISTINCT FROM NEW.number)
    EXECUTE FUNCTION approvals_keep_payload();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_origin;

CREATE TRIGGER request_texts BEFORE UPDATE ON approvals_request FOR EACH ROW
    WHEN (OLD.run IS DISTINCT FROM NEW.run OR OLD.reason IS DISTINCT FROM NEW.reason
          OR OLD.reason_salt IS DISTINCT FROM NEW.reason_salt
          OR OLD.body_digest IS DISTINCT FROM NEW.body_digest
          OR OLD.erased_at IS DISTINCT FROM NEW.erased_at)
    EXECUTE FUNCTION approvals_erase_request();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_texts;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0016_simple_result")]
    operations = [
        migrations.AddField("request", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField("decision", "erased_at", models.DateTimeField(null=True)),
        migrations.AddField("snapshot", "salt", models.BinaryField(default=bytes, max_length=16)),
        migrations.RemoveConstraint("decision", "decision_reject_says_why"),
        migrations.AddConstraint(
            "decision",
            models.CheckConstraint(
                condition=Q(outcome="approve") | ~Q(comment="") | Q(erased_at__isnull=False),
                name="decision_reject_says_why",
            ),
        ),
        migrations.RunSQL(GUARDS, migrations.RunSQL.noop),
    ]
