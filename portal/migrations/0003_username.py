"""Sign-in names that differ in case only are one name."""

from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):
    dependencies = [("portal", "0002_ledger")]
    operations = [
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                Lower("username"),
                name="username_once_in_any_case",
                violation_error_message="Somebody signs in with this name already.",
            ),
        )
    ]
