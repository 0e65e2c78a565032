"""Permissions on a policy end with the role that gave them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0006_sources")]
    operations = [
        migrations.AddField("policyuserpermission", "until", models.DateTimeField(null=True))
    ]
