"""Where policy files are read from, and the commit each version came from."""

import django.db.models.deletion
import portal.kernel.ids
from django.conf import settings
from django.db import migrations, models

from portal.ledger.sql import immutable


class Migration(migrations.Migration):
    dependencies = [
        ("policies", "0005_freezes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="PolicySource",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=portal.kernel.ids.new_id,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "repository",
                    models.CharField(
                        help_text="An https:// or ssh:// address, or a folder the portal may read.",
                        max_length=500,
                        verbose_name="git repository",
                    ),
                ),
                (
                    "branch",
                    models.CharField(
                        default="main",
                        help_text="Whoever can push there can write drafts in your name.",
                        max_length=200,
                        verbose_name="protected branch",
                    ),
                ),
                (
                    "folder",
                    models.CharField(
                        blank=True,
                        help_text="Every *.yaml in it is read, not in folders below. Empty: the root.",
                        max_length=200,
                        verbose_name="folder",
                    ),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("removed_at", models.DateTimeField(blank=True, null=True)),
                ("commit", models.CharField(blank=True, max_length=64)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("problems", models.JSONField(blank=True, default=list)),
                ("gone", models.JSONField(blank=True, default=list)),
                ("error", models.CharField(blank=True, max_length=500)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("attempts", models.PositiveIntegerField(default=0)),
                ("next_try", models.DateTimeField(blank=True, null=True)),
                (
                    "configured_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["repository", "branch", "folder"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="Origin",
            fields=[
                (
                    "version",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="origin",
                        serialize=False,
                        to="policies.policyversion",
                    ),
                ),
                ("repository", models.CharField(max_length=500)),
                ("commit", models.CharField(max_length=64)),
                ("path", models.CharField(max_length=500)),
                ("writers", models.JSONField()),
                (
                    "source",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="origins",
                        to="policies.policysource",
                    ),
                ),
            ],
            options={
                "default_permissions": (),
            },
        ),
        migrations.AddIndex(
            model_name="policysource",
            index=models.Index(
                condition=models.Q(("next_try__isnull", False)),
                fields=["next_try"],
                name="policy_source_due",
            ),
        ),
        migrations.AddConstraint(
            model_name="policysource",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)),
                fields=("repository", "branch", "folder"),
                name="policy_source_once",
            ),
        ),
        migrations.RunSQL(immutable("policies_origin"), migrations.RunSQL.noop),
    ]
