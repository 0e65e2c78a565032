"""Decisions that were given on somebody's behalf."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0024_step_up"), ("portal", "0016_groups")]
    operations = [
        migrations.AddField(
            "decision",
            "delegation",
            models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=models.deletion.PROTECT,
                related_name="decisions",
                to="portal.delegation",
            ),
        ),
    ]
