"""Which workloads may act as a service account, and the run tokens they get for their own."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import Q

import portal.kernel.ids


def _words(length: int) -> django.contrib.postgres.fields.ArrayField:
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.CharField(max_length=length), blank=True, default=list, size=None
    )


def _to(model: str, name: str, **more: bool) -> models.ForeignKey:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.PROTECT, related_name=name, to=model, **more
    )


class Migration(migrations.Migration):
    dependencies = [("portal", "0017_directories")]
    operations = [
        migrations.CreateModel(
            "Trust",
            [
                ("id", models.UUIDField(default=portal.kernel.ids.new_id, editable=False,
                                        primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("preset", models.CharField(max_length=20)),
                ("issuer", models.CharField(max_length=300)),
                ("keys_url", models.CharField(max_length=500)),
                ("algorithm", models.CharField(max_length=10)),
                ("private", models.BooleanField(default=False)),
                ("source", models.CharField(blank=True, max_length=100)),
                ("refs", _words(200)),
                ("events", _words(50)),
                ("environment", models.CharField(blank=True, max_length=200)),
                ("workflow", models.CharField(blank=True, max_length=300)),
                ("claims", models.JSONField(blank=True, default=dict)),
                ("run_claim", models.CharField(blank=True, max_length=100)),
                ("attempt_claim", models.CharField(blank=True, max_length=100)),
                ("created_at", models.DateTimeField()),
                ("archived_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("keys", models.JSONField(blank=True, default=list, editable=False)),
                ("keys_read_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("keys_tried_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("keys_problem", models.CharField(blank=True, editable=False, max_length=300)),
                ("account", _to("portal.serviceaccount", "trusts")),
                ("created_by", _to(settings.AUTH_USER_MODEL, "+")),
                ("environments", models.ManyToManyField(blank=True, related_name="+",
                                                        to="portal.environment")),
                ("project", _to("portal.project", "trusts")),
            ],
            options={"ordering": ["created_at"], "default_permissions": ()},
        ),
        migrations.AddConstraint(
            "trust",
            models.UniqueConstraint(
                condition=Q(archived_at__isnull=True),
                fields=["project", "name"],
                name="trust_name_once",
                violation_error_message="The project has a trust of this name already.",
            ),
        ),
        migrations.AddField("projecttoken", "trust",
                            _to("portal.trust", "run_tokens", null=True)),
        migrations.AddField("projecttoken", "run_id",
                            models.CharField(blank=True, max_length=200)),
        migrations.AddField("projecttoken", "run_attempt",
                            models.PositiveIntegerField(null=True)),
        migrations.AddField("projecttoken", "proof",
                            models.CharField(max_length=71, null=True, unique=True)),
        migrations.AddConstraint(
            "projecttoken",
            models.CheckConstraint(
                condition=Q(trust=None, run_id="", run_attempt=None, proof=None)
                | (Q(trust__isnull=False, run_attempt__gte=1, proof__isnull=False) & ~Q(run_id="")),
                name="project_token_of_person_or_run",
            ),
        ),
    ]
