"""Months of the ledger that were put into files."""

from django.db import migrations

from portal.ledger.archive_sql import DROP, GRANTS, TABLE


class Migration(migrations.Migration):
    dependencies = [("portal", "0010_anchors")]
    operations = [migrations.RunSQL(TABLE + GRANTS, DROP)]
