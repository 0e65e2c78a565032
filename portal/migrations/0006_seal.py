"""The tables of the sealed log, their guards, and who may add to them."""

from django.db import migrations

from portal.ledger.seal_sql import ENTRY_INDEX, SEAL_GRANTS, SEAL_GUARDS, SEAL_TABLES


class Migration(migrations.Migration):
    dependencies = [("portal", "0005_project_names")]
    operations = [
        migrations.RunSQL(
            ENTRY_INDEX + SEAL_TABLES + SEAL_GUARDS + SEAL_GRANTS, migrations.RunSQL.noop
        )
    ]
