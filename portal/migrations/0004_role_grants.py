"""Which roles were granted, beside the permissions they amount to.

Permissions that exist already become the largest roles they hold: which were granted one by one
cannot be told any more.
"""

from typing import Any

from django.conf import settings
from django.db import migrations, models

from portal.access.capabilities import ROLES

_TABLES = (
    ("portal", "OrganisationUserPermission", "organisation"),
    ("portal", "ProjectUserPermission", "project"),
    ("portal", "EnvironmentUserPermission", "environment"),
    ("portal", "ApproverGroupUserPermission", "approvergroup"),
    ("policies", "PolicyUserPermission", "policy"),
)


def largest_roles(held: set[str], kind: str) -> list[str]:
    """Names of the roles for `kind` that `held` amounts to, without those inside another one."""
    fitting = [
        role
        for role in ROLES.values()
        if kind in role.scopes and {c.value for c in role.capabilities} <= held
    ]
    return [
        role.name
        for role in fitting
        if not any(role.capabilities < other.capabilities for other in fitting)
    ]


def fill(apps: Any, schema_editor: Any) -> None:
    """One grant for each role that somebody's permissions amount to."""
    grant = apps.get_model("portal", "RoleGrant")
    for app, name, kind in _TABLES:
        held: dict[tuple[Any, Any], set[str]] = {}
        rows = apps.get_model(app, name).objects.values_list(
            "user_id", "content_object_id", "permission__codename"
        )
        for person, target, codename in rows:
            held.setdefault((person, target), set()).add(codename)
        grant.objects.bulk_create(
            grant(person_id=person, role=role, kind=kind, object_id=str(target))
            for (person, target), codenames in held.items()
            for role in largest_roles(codenames, kind)
        )


class Migration(migrations.Migration):
    dependencies = [("portal", "0003_username"), ("policies", "0002_initial")]
    operations = [
        migrations.CreateModel(
            "RoleGrant",
            [
                ("id", models.BigAutoField(primary_key=True, auto_created=True, serialize=False,
                                           verbose_name="ID")),
                ("role", models.CharField(max_length=50)),
                ("kind", models.CharField(max_length=50)),
                ("object_id", models.CharField(max_length=36)),
                ("person", models.ForeignKey(
                    settings.AUTH_USER_MODEL, models.CASCADE, related_name="role_grants")),
            ],
            options={"default_permissions": ()},
        ),
        migrations.AddConstraint(
            "rolegrant",
            models.UniqueConstraint(
                fields=["kind", "object_id", "person", "role"], name="role_granted_once"
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
