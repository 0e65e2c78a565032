"""The portal's own project, environment and group: where its own changes are asked for."""

from django.db import connection, transaction

from portal.directory.models import ApproverGroup, Environment, Project
from portal.kernel.validation import insert_row
from portal.ledger.actors import SYSTEM
from portal.ledger.change import change
from portal.ledger.record import record

PROJECT = "countersign"
LOCK = 0x6F776E706C616365  # any fixed number: two who ask first at once make one place


@transaction.atomic
def own_environment(name: str, group: str) -> Environment:
    """An environment of the portal's own project, and the group that decides there.

    What is missing is made by the system; the group begins empty.
    """
    found = Environment.objects.select_related("project").filter(project__slug=PROJECT, name=name)
    if (environment := found.first()) is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        environment = found.first() or _make(name)
        if not ApproverGroup.objects.filter(name=group).exists():
            _make_group(group)
    return environment


def _make(name: str) -> Environment:
    project = Project.objects.filter(slug=PROJECT).first()
    if project is None:
        project = Project(slug=PROJECT, name="This portal", description="Its own changes.")
        insert_row(project)
        part = {"kind": "project", "id": str(project.pk), "slug": PROJECT}
        record(
            "project.created", actor=SYSTEM, project=project.pk, object=part, change=change({}, {})
        )
    environment = Environment(project=project, name=name, tier=Environment.Tier.PRODUCTION)
    insert_row(environment)
    record(
        "environment.created",
        actor=SYSTEM,
        project=project.pk,
        object={"kind": "environment", "id": str(environment.pk), "name": name},
        change=change({}, {}),
    )
    return environment


def _make_group(name: str) -> None:
    group = ApproverGroup(name=name, description="Decides on changes of policies.")
    insert_row(group)
    part = {"kind": "group", "id": str(group.pk), "name": name}
    record("group.created", actor=SYSTEM, object=part, change=change({}, {}))
