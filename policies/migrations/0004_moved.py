"""The mark of a policy that came into force or went out of it."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("policies", "0003_immutable")]
    operations = [
        migrations.AddField("policy", "moved_at", models.DateTimeField(editable=False, null=True))
    ]
