"""Who owned the service account when it asked; never changed, like the rest of the payload."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

FILL = """
UPDATE approvals_request AS r SET owner_id = a.owner_id
FROM portal_serviceaccount AS a WHERE a.id = r.account_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""
KEEP = """
CREATE TRIGGER request_owner BEFORE UPDATE OF owner_id ON approvals_request FOR EACH ROW
    WHEN (OLD.owner_id IS DISTINCT FROM NEW.owner_id) EXECUTE FUNCTION approvals_keep_payload();
ALTER TABLE approvals_request ENABLE ALWAYS TRIGGER request_owner;
"""


def owner(**options: object) -> "models.ForeignKey[object, object]":
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        db_index=False,
        **options,
    )


class Migration(migrations.Migration):
    dependencies = [
        ("approvals", "0004_queue"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.AddField("request", "owner", owner(null=True)),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AlterField("request", "owner", owner()),
        migrations.RunSQL(KEEP, migrations.RunSQL.noop),
    ]
