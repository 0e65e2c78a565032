"""The demo company Harbor: three projects, six people, five groups, policies in force.

Made by the same services as everything else; passwords and tokens are new on every first start.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from approvals.connections.configure import change_connection, create_connection
from approvals.context.sources.http_json import HttpJsonSource
from approvals.management.documents import policies
from approvals.models import Connection
from policies.publishing import create_policy, publish_version
from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.authentication import issue_token
from portal.accounts.models import User
from portal.accounts.people import create_person, found_portal
from portal.accounts.service_accounts import create_service_account
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.models import Project
from portal.directory.projects import create_project

NAME = "Harbor"


@dataclass(frozen=True)
class Person:
    """One of the demo people; `organisation` are roles over the whole portal."""

    username: str
    name: str
    does: str
    organisation: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


PEOPLE = (
    Person(
        "priya",
        "Priya Nair",
        "administrator, publishes policies",
        organisation=("administrator", "policy-publisher"),
        groups=("policy-publishers",),
    ),
    Person(
        "jonas",
        "Jonas Berg",
        "administrator, publishes policies",
        organisation=("administrator", "policy-publisher"),
        groups=("security", "policy-publishers"),
    ),
    Person(
        "ana",
        "Ana Reyes",
        "release engineer, owns the service accounts",
        projects=("requester", "maintainer"),
    ),
    Person(
        "maria",
        "Maria Costa",
        "team lead, approves",
        projects=("viewer",),
        groups=("team-leads", "oncall-sre"),
    ),
    Person(
        "tomas",
        "Tomás Alves",
        "database administrator, approves",
        projects=("viewer",),
        groups=("dba", "team-leads", "security"),
    ),
    Person("omar", "Omar Said", "auditor", organisation=("auditor",)),
)
GROUPS = {
    "team-leads": "Leads of the product teams.",
    "dba": "Database administrators.",
    "oncall-sre": "Whoever is on call.",
    "security": "Security team.",
    "policy-publishers": "Decide on changes of policies.",
}
PROJECTS = {
    "shop": "The web shop: the pipeline to try things with.",
    "payments": "Takes the money; two people for production.",
    "search": "Product search; low risk, small policy.",
}

METRICS = "Shop metrics"
METRIC_FACTS = "metric.error_rate = /error_rate\nmetric.latency_p95_ms = /latency_p95_ms"


def found_company(repository: Path | None, metrics: str) -> dict[str, Any]:
    """Make everything; logins and tokens as they stand in demo.json. Needs an empty portal.

    `metrics` is the address of the demo's monitoring; empty where there is none.
    """
    people, passwords = _people()
    admin, deputy = people["priya"], people["jonas"]
    projects = _projects(admin, repository)
    for group, description in GROUPS.items():
        found = create_group(by=admin, name=group, description=description)
        for person in PEOPLE:
            if group in person.groups:
                # Nobody adds themselves either.
                by = deputy if person is PEOPLE[0] else admin
                add_member(by=by, group=found, person=people[person.username])
    for person in PEOPLE:
        for role in person.projects:
            for project in projects.values():
                grant_role(by=admin, to=people[person.username], role=role, target=project)
    if metrics:
        _connect_metrics(admin, projects["shop"], metrics)
    for text in policies(with_git=repository is not None, with_metrics=bool(metrics)):
        publish_version(by=deputy, version=create_policy(by=admin, text=text))
    return {
        "users": [
            {
                "name": person.name,
                "username": person.username,
                "password": passwords[person.username],
                "roles": person.does,
            }
            for person in PEOPLE
        ],
        "tokens": {slug: _token(admin, people["ana"], p) for slug, p in projects.items()},
        "repository": str(repository) if repository else None,
    }


def _connect_metrics(admin: User, shop: Project, url: str) -> None:
    create_connection(
        by=admin,
        kind=HttpJsonSource.name,
        name=METRICS,
        project=shop,
        environment=shop.environments.get(name="production"),
        settings={"url": url, "header": "", "facts": METRIC_FACTS},
        secrets={},
        private=True,
    )


def move_metrics(url: str) -> None:
    """Follow the demo's monitoring to the port of this start."""
    for found in Connection.objects.filter(
        name=METRICS, kind=HttpJsonSource.name, archived_at=None
    ):
        if found.settings["url"] != url:
            change_connection(
                by=found.created_by,
                connection=found,
                name=found.name,
                environment=found.environment,
                settings={**found.settings, "url": url},
                secrets={},
                private=True,
            )


def _people() -> tuple[dict[str, User], dict[str, str]]:
    passwords = {person.username: secrets.token_urlsafe(12) for person in PEOPLE}
    first = PEOPLE[0]
    people = {
        first.username: found_portal(
            organisation=NAME,
            username=first.username,
            name=first.name,
            password=passwords[first.username],
            email=f"{first.username}@harbor.example",
        )
    }
    for person in PEOPLE[1:]:
        people[person.username] = create_person(
            by=people[first.username],
            username=person.username,
            name=person.name,
            password=passwords[person.username],
            email=f"{person.username}@harbor.example",
        )
    organisation = Organisation.objects.get()
    for person in (*PEOPLE[1:], first):
        for role in person.organisation:
            # Nobody grants themselves anything: the founder's roles come from the second one.
            granter = PEOPLE[1] if person is first else first
            if not (person is first and role == "administrator"):
                grant_role(
                    by=people[granter.username],
                    to=people[person.username],
                    role=role,
                    target=organisation,
                )
    return people, passwords


def _projects(admin: User, repository: Path | None) -> dict[str, Project]:
    projects = {}
    for slug, description in PROJECTS.items():
        address = str(repository) if repository and slug == "shop" else ""
        project = create_project(
            by=admin,
            slug=slug,
            name=slug.capitalize(),
            description=description,
            repository=address,
        )
        for tier in ("staging", "production"):
            create_environment(by=admin, project=project, name=tier, tier=tier)
        projects[slug] = project
    return projects


def _token(admin: User, owner: User, project: Project) -> str:
    account = create_service_account(by=admin, project=project, name="deploy-bot", owner=owner)
    _, secret = issue_token(by=admin, account=account, scopes=["request", "read"])
    return secret
