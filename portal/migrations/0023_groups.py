"""Who keeps a membership."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0011_archive")]
    operations = [
        migrations.AddField(
            "membership",
            "source",
            models.CharField(blank=True, default="", editable=False, max_length=100),
        ),
    ]
