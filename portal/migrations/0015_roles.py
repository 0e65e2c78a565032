"""Roles with an end and a reason; the permissions they amount to end with them. Access reviews."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from portal.kernel.ids import new_id


def _to(model, **options):
    return models.ForeignKey(
        model, django.db.models.deletion.PROTECT, related_name="+", **options
    )


_TABLES = ("organisation", "project", "environment", "approvergroup")


class Migration(migrations.Migration):
    dependencies = [("portal", "0014_sign_in_providers")]
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
        migrations.CreateModel(
            "AccessReview",
            [
                ("id", models.UUIDField(
                    default=new_id, editable=False, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("started_at", models.DateTimeField(auto_now_add=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("group", _to("portal.approvergroup", blank=True, null=True)),
                ("project", _to("portal.project", blank=True, null=True)),
                ("started_by", _to(settings.AUTH_USER_MODEL)),
            ],
            options={"ordering": ["-started_at"], "default_permissions": ()},
        ),
        migrations.CreateModel(
            "ReviewItem",
            [
                ("id", models.UUIDField(
                    default=new_id, editable=False, primary_key=True, serialize=False)),
                ("role", models.CharField(blank=True, max_length=50)),
                ("kind", models.CharField(blank=True, max_length=50)),
                ("object_id", models.CharField(blank=True, max_length=36)),
                ("place", models.CharField(max_length=300)),
                ("outcome", models.CharField(
                    blank=True, default="", max_length=10,
                    choices=[("", "Not answered"), ("kept", "Kept"), ("removed", "Removed"),
                             ("gone", "Had ended meanwhile")])),
                ("answered_at", models.DateTimeField(null=True)),
                ("answered_by", _to(settings.AUTH_USER_MODEL, null=True)),
                ("group", _to("portal.approvergroup", null=True)),
                ("person", _to(settings.AUTH_USER_MODEL)),
                ("review", models.ForeignKey(
                    "portal.accessreview", django.db.models.deletion.CASCADE,
                    related_name="items")),
            ],
            options={
                "ordering": ["place", "role", "person__name", "id"],
                "default_permissions": (),
            },
        ),
    ]
