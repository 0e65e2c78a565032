"""The receipt's twin, kept as it was given, and permits found by the digest of what they are for."""

from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.fields.json import KT

SQL = """
CREATE TRIGGER permit_simple_result BEFORE UPDATE OF simple_result ON approvals_permit
    FOR EACH ROW WHEN (OLD.simple_result IS DISTINCT FROM NEW.simple_result)
    EXECUTE FUNCTION approvals_keep_given();
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_simple_result;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0015_limits")]
    operations = [
        migrations.AddField("permit", "simple_result", models.JSONField(null=True)),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "request",
            models.Index(
                KT("subject__artifact"),
                F("environment"),
                condition=Q(status="redeemed", subject__has_key="artifact"),
                name="request_artifact",
            ),
        ),
    ]
