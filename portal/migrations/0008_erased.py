"""When a person's name and address were erased."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0007_ledger_browse")]
    operations = [migrations.AddField("user", "erased_at", models.DateTimeField(editable=False, null=True))]
