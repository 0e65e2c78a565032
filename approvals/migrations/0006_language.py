"""What the whole policy language says of a request: its risk, and that it replaces older ones."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("approvals", "0005_owner")]
    operations = [
        migrations.AddField("request", "risk", models.CharField(blank=True, max_length=6, default="")),
        migrations.AlterField("request", "risk", models.CharField(blank=True, max_length=6)),
        migrations.AddField("request", "retires_older", models.BooleanField(default=False)),
        migrations.AddIndex(
            "request",
            models.Index(
                fields=["id"],
                condition=models.Q(("retires_older", True)),
                name="request_retires_older",
            ),
        ),
    ]
