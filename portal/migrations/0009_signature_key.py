"""What a key signed last is found without reading all that it signed."""

from django.db import migrations

from portal.ledger.seal_sql import KEY_INDEX


class Migration(migrations.Migration):
    dependencies = [("portal", "0008_erased")]
    operations = [migrations.RunSQL(KEY_INDEX, "DROP INDEX ledger_signature_key")]
