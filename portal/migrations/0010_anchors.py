"""The tables of what stands outside of the database, their guards, and who may add to them."""

from django.db import migrations

from portal.ledger.anchor_sql import ANCHOR_GRANTS, ANCHOR_GUARDS, ANCHOR_TABLES


class Migration(migrations.Migration):
    dependencies = [("portal", "0009_signature_key")]
    operations = [
        migrations.RunSQL(ANCHOR_TABLES + ANCHOR_GUARDS + ANCHOR_GRANTS, migrations.RunSQL.noop)
    ]
