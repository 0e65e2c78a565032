"""A saved policy version never changes."""

from django.db import migrations

from portal.ledger.sql import immutable


class Migration(migrations.Migration):
    dependencies = [("policies", "0002_initial"), ("portal", "0002_ledger")]
    operations = [migrations.RunSQL(immutable("policies_policyversion"), migrations.RunSQL.noop)]
