"""Permits and keys stay as given, one start is one start, and a lost run may tell its end."""

from django.db import migrations, models

SQL = """
INSERT INTO approvals_move VALUES
    ('permit', 'lost', 'succeeded'), ('permit', 'lost', 'failed');

CREATE FUNCTION approvals_keep_given() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: what was given once never changes', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER permit_given BEFORE UPDATE ON approvals_permit FOR EACH ROW
    WHEN (OLD.id IS DISTINCT FROM NEW.id OR OLD.receipt IS DISTINCT FROM NEW.receipt
          OR OLD.request_id IS DISTINCT FROM NEW.request_id
          OR OLD.environment_id IS DISTINCT FROM NEW.environment_id
          OR OLD.issued_at IS DISTINCT FROM NEW.issued_at
          OR OLD.expires_at IS DISTINCT FROM NEW.expires_at)
    EXECUTE FUNCTION approvals_keep_given();
CREATE TRIGGER permit_starter BEFORE UPDATE OF starter ON approvals_permit FOR EACH ROW
    WHEN (OLD.started_at IS NOT NULL AND OLD.starter IS DISTINCT FROM NEW.starter)
    EXECUTE FUNCTION approvals_keep_given();
CREATE TRIGGER permit_stays BEFORE DELETE ON approvals_permit FOR EACH ROW
    EXECUTE FUNCTION approvals_keep_given();
CREATE TRIGGER signing_key_given BEFORE UPDATE ON approvals_signingkey FOR EACH ROW
    WHEN (OLD.kid IS DISTINCT FROM NEW.kid OR OLD.jwk IS DISTINCT FROM NEW.jwk)
    EXECUTE FUNCTION approvals_keep_given();
CREATE TRIGGER signing_key_stays BEFORE DELETE ON approvals_signingkey FOR EACH ROW
    EXECUTE FUNCTION approvals_keep_given();
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_given;
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_starter;
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_stays;
ALTER TABLE approvals_signingkey ENABLE ALWAYS TRIGGER signing_key_given;
ALTER TABLE approvals_signingkey ENABLE ALWAYS TRIGGER signing_key_stays;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'countersign_app') THEN
        REVOKE DELETE ON approvals_permit, approvals_signingkey FROM countersign_app;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0008_keep_request")]
    operations = [
        migrations.AddField(
            "permit", "starter", models.CharField(blank=True, max_length=64, default="")
        ),
        migrations.AlterField("permit", "starter", models.CharField(blank=True, max_length=64)),
        migrations.AddField("request", "redeem_failed_at", models.DateTimeField(null=True)),
        migrations.AddField(
            "request", "redeem_failure", models.CharField(blank=True, max_length=500, default="")
        ),
        migrations.AlterField(
            "request", "redeem_failure", models.CharField(blank=True, max_length=500)
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
