"""Auditors find what one actor did, and entries of a rare type, without reading the rest."""

from django.db import migrations

# On the parent, so that every partition has them, also those that are made later. Types are few
# and grow at the end of each; actors are many, but those at work are few at a time.
MAKE = """
CREATE INDEX ledger_entry_type ON ledger_entry (type, id);
CREATE INDEX ledger_entry_actor ON ledger_entry (actor_ref, id);
"""
DROP = "DROP INDEX ledger_entry_type; DROP INDEX ledger_entry_actor;"


class Migration(migrations.Migration):
    dependencies = [("portal", "0006_seal")]
    operations = [migrations.RunSQL(MAKE, DROP)]
