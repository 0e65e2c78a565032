"""The rest of what a request was asked with never changes either.

`reason` and its salt are left out: people may ask for a text to be erased; the payload keeps its
commitment.
"""

from django.db import migrations

COLUMNS = ("token_id", "idempotency_key", "body_digest", "created_at", "number")
KEEP = f"""
CREATE TRIGGER request_origin BEFORE UPDATE OF {", ".join(COLUMNS)} ON approvals_request
    FOR EACH ROW WHEN ({" OR ".join(f"OLD.{c} IS DISTINCT FROM NEW.{c}" for c in COLUMNS)})
    EXECUTE FUNCTION approvals_keep_payload();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_origin;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0007_publication")]
    operations = [migrations.RunSQL(KEEP, migrations.RunSQL.noop)]
