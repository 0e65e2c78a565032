"""Groups: who keeps a membership, the smallest size, delegations, absences, who left."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import migrations, models
from django.db.models import F, Q

from portal.kernel.ids import new_id

DEPARTURES = """
CREATE FUNCTION portal_member_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_departure (group_id, person_id) VALUES (OLD.group_id, OLD.person_id);
    RETURN NULL;
END $$;
CREATE FUNCTION portal_person_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_departure (group_id, person_id)
    SELECT group_id, person_id FROM portal_membership WHERE person_id = NEW.id
    UNION SELECT group_id, delegate_id FROM portal_delegation
    WHERE delegate_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END $$;
CREATE FUNCTION portal_delegate_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO portal_departure (group_id, person_id) VALUES (OLD.group_id, OLD.delegate_id);
    RETURN NULL;
END $$;
CREATE TRIGGER member_left AFTER DELETE ON portal_membership FOR EACH ROW
    EXECUTE FUNCTION portal_member_left();
CREATE TRIGGER person_left AFTER UPDATE OF is_active ON portal_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active) EXECUTE FUNCTION portal_person_left();
CREATE TRIGGER delegate_left AFTER UPDATE OF ended_at ON portal_delegation FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL)
    EXECUTE FUNCTION portal_delegate_left();
ALTER TABLE portal_membership ENABLE ALWAYS TRIGGER member_left;
ALTER TABLE portal_user ENABLE ALWAYS TRIGGER person_left;
ALTER TABLE portal_delegation ENABLE ALWAYS TRIGGER delegate_left;
"""
DROP_DEPARTURES = """
DROP TRIGGER person_left ON portal_user;
DROP TRIGGER member_left ON portal_membership;
DROP TRIGGER delegate_left ON portal_delegation;
DROP FUNCTION portal_person_left, portal_member_left, portal_delegate_left;
"""


class Migration(migrations.Migration):
    dependencies = [("portal", "0015_roles")]
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
        migrations.CreateModel(
            "Delegation",
            [
                (
                    "id",
                    models.UUIDField(
                        default=new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("reason", models.TextField(max_length=500, verbose_name="reason")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("ended_at", models.DateTimeField(editable=False, null=True)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=models.deletion.PROTECT,
                        related_name="delegations",
                        to="portal.approvergroup",
                    ),
                ),
                (
                    "membership",
                    models.ForeignKey(
                        null=True,
                        on_delete=models.deletion.SET_NULL,
                        related_name="delegations",
                        to="portal.membership",
                    ),
                ),
                (
                    "delegator",
                    models.ForeignKey(
                        on_delete=models.deletion.PROTECT,
                        related_name="delegations_given",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "delegate",
                    models.ForeignKey(
                        on_delete=models.deletion.PROTECT,
                        related_name="delegations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        on_delete=models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["starts_at", "pk"],
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        fields=["delegate", "ends_at"],
                        condition=Q(ended_at=None),
                        name="delegation_to_person",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(ends_at__gt=F("starts_at")),
                        name="delegation_ends_after_start",
                    ),
                    models.CheckConstraint(
                        condition=~Q(delegate=F("delegator")), name="delegation_to_somebody_else"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            "Absence",
            [
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(verbose_name="first day")),
                ("last_day", models.DateField(verbose_name="last day")),
                (
                    "person",
                    models.OneToOneField(
                        on_delete=models.deletion.CASCADE,
                        related_name="absence",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "default_permissions": (),
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(last_day__gte=F("first_day")), name="absence_ends_after_start"
                    )
                ],
            },
        ),
        migrations.RunSQL(DEPARTURES, DROP_DEPARTURES),
    ]
