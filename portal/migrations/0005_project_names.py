"""No empty or dot part in a project's short name; ids at the forge begin with 1."""

import django.core.validators
from django.db import migrations, models
from django.db.models import Q

from portal.directory.models import project_path

# What no forge gave names nothing.
FORGET = "UPDATE portal_project SET forge_id = NULL WHERE forge_id < 1"


class Migration(migrations.Migration):
    dependencies = [("portal", "0004_role_grants")]
    operations = [
        migrations.RunSQL(FORGET, migrations.RunSQL.noop),
        migrations.AlterField(
            "project",
            "slug",
            models.CharField(
                help_text="What pipelines send, for example “shop” or “payments/checkout”.",
                max_length=100,
                unique=True,
                validators=[project_path],
                verbose_name="short name",
            ),
        ),
        migrations.AlterField(
            "project",
            "forge_id",
            models.BigIntegerField(
                blank=True,
                help_text="The numeric id of the repository at the forge; names can be recycled.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="forge project id",
            ),
        ),
        migrations.AddConstraint(
            "project",
            models.CheckConstraint(condition=Q(forge_id__gte=1), name="project_forge_id_positive"),
        ),
    ]
