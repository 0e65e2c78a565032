"""Who keeps a membership, and how many members a group should have."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("portal", "0011_archive")]
    operations = [
        migrations.AddField(
            "membership",
            "source",
            models.CharField(blank=True, default="", editable=False, max_length=100),
        ),
        migrations.AddField(
            "approvergroup",
            "minimum",
            models.PositiveSmallIntegerField(
                default=1,
                help_text="How many active members it should have at least; with fewer it is "
                "marked.",
                validators=[MinValueValidator(1), MaxValueValidator(1000)],
                verbose_name="smallest size",
            ),
        ),
    ]
