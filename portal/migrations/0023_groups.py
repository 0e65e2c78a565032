"""Who keeps a membership, how many members a group should have, and who left one."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models

DEPARTURES = """
CREATE FUNCTION portal_member_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_departure (group_id, person_id) VALUES (OLD.group_id, OLD.person_id);
    RETURN NULL;
END $$;
CREATE FUNCTION portal_person_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_departure (group_id, person_id)
    SELECT group_id, person_id FROM portal_membership WHERE person_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER member_left AFTER DELETE ON portal_membership FOR EACH ROW
    EXECUTE FUNCTION portal_member_left();
CREATE TRIGGER person_left AFTER UPDATE OF is_active ON portal_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION portal_person_left();
ALTER TABLE portal_membership ENABLE ALWAYS TRIGGER member_left;
ALTER TABLE portal_user ENABLE ALWAYS TRIGGER person_left;
"""
DROP_DEPARTURES = """
DROP TRIGGER person_left ON portal_user;
DROP TRIGGER member_left ON portal_membership;
DROP FUNCTION portal_person_left, portal_member_left;
"""


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
        migrations.CreateModel(
            "Departure",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("up_to", models.UUIDField(null=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE,
                        related_name="departures",
                        to="portal.approvergroup",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=models.deletion.CASCADE,
                        related_name="departures",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"ordering": ["pk"], "default_permissions": ()},
        ),
        migrations.RunSQL(DEPARTURES, DROP_DEPARTURES),
    ]
