"""Permits say their action and their lead time, so that figures come from one index."""

from django.db import migrations, models

# Also permits that were given before: what they were given for stands in their request.
SQL = """
UPDATE approvals_permit SET action = r.action
FROM approvals_request r WHERE r.id = approvals_permit.request_id;
SET CONSTRAINTS ALL IMMEDIATE;
CREATE TRIGGER permit_action BEFORE UPDATE OF action ON approvals_permit FOR EACH ROW
    WHEN (OLD.action IS DISTINCT FROM NEW.action)
    EXECUTE FUNCTION approvals_keep_given();
ALTER TABLE approvals_permit ENABLE ALWAYS TRIGGER permit_action;
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0011_connections")]
    operations = [
        migrations.AddField("permit", "lead_time_s", models.PositiveIntegerField(null=True)),
        migrations.AddField("permit", "action", models.CharField(default="", max_length=100)),
        migrations.AlterField("permit", "action", models.CharField(max_length=100)),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
        migrations.AddIndex(
            "permit",
            models.Index(
                condition=models.Q(("finished_at__isnull", False)),
                fields=["environment", "action", "-finished_at"],
                include=("status", "lead_time_s"),
                name="permit_figures",
            ),
        ),
    ]
