"""The ledger's table, its append-only guards and the app role's grants; the shared cache table."""

from django.db import migrations

from portal.ledger.sql import GRANTS, GUARDS, TABLE

CACHE = """
CREATE TABLE django_cache (
    cache_key varchar(255) NOT NULL PRIMARY KEY,
    value text NOT NULL,
    expires timestamptz NOT NULL
);
CREATE INDEX django_cache_expires ON django_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0001_initial")]
    operations = [migrations.RunSQL(TABLE + GUARDS + GRANTS + CACHE, migrations.RunSQL.noop)]
