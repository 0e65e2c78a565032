"""Roles with an end and a reason; the permissions they amount to end with them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

_TABLES = ("organisation", "project", "environment", "approvergroup")


class Migration(migrations.Migration):
    dependencies = [("portal", "0011_archive")]
    operations = [
        *(
            migrations.AddField(
                f"{kind}userpermission", "until", models.DateTimeField(null=True)
            )
            for kind in _TABLES
        ),
        migrations.AddField("rolegrant", "until", models.DateTimeField(null=True)),
        migrations.AddField(
            "rolegrant",
            "reason",
            models.TextField(verbose_name="reason", max_length=500, blank=True, default=""),
            preserve_default=False,
        ),
        migrations.AddField(
            "rolegrant", "reason_salt", models.BinaryField(max_length=16, default=bytes)
        ),
        migrations.AddField(
            "rolegrant",
            "granted_by",
            models.ForeignKey(
                settings.AUTH_USER_MODEL,
                django.db.models.deletion.PROTECT,
                related_name="+",
                null=True,
            ),
        ),
        migrations.AddField("rolegrant", "granted_at", models.DateTimeField(null=True)),
        migrations.AddIndex(
            "rolegrant",
            models.Index(
                fields=["until"],
                name="role_ends",
                condition=models.Q(until__isnull=False),
            ),
        ),
    ]
