"""The demo company Harbor: three projects, six people, five groups, policies in force.

Made by the same services as everything else; passwords and tokens are new on every first start.
"""

import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

SHOP_STAGING = """\
policy: shop-staging
facts: v1
match: {projects: [shop], environments: [staging], actions: [deploy, migrate]}
rules:
  - id: deploy-flows
    when: request.action == 'deploy'
    approve: auto
default: {require: {count: 1, from: [team-leads]}}
risk: {medium: request.action == 'migrate'}
decide_within: 8h
valid_for: 30m
hold: [request.commit]
supersede: environment
tests:
  - name: a deployment flows
    given: {request.action: deploy}
    expect: {verdict: allow, because: [deploy-flows], risk: low}
  - name: a migration waits for a lead
    given: {request.action: migrate}
    expect: {verdict: review, because: [default], risk: medium}
"""
SHOP_PRODUCTION = """\
policy: shop-production
facts: v1
match: {{projects: [shop], environments: [production], actions: [deploy, migrate]}}
define:
  migrates: request.action == 'migrate'
  hotfix: "'hotfix' in request.labels"
rules:
{on_branch}  - id: team-lead
    level: soft
    when: "true"
    require: {{count: 1, from: [team-leads]}}
  - id: migration
    when: migrates
    require:
      count: 2
      from: [dba, team-leads]
      including: {{dba: 1}}
      sequence: [dba, team-leads]
  - id: hotfix-is-quick
    when: hotfix
    limit: {{valid_for: 10m}}
  - id: failed-before
    when: history.last_outcome == 'failed'
    note: "The last run here failed."
default: {{require: {{count: 1, from: [team-leads]}}}}
risk: {{high: migrates, medium: "true"}}
decide_within: 8h
valid_for: 30m
hold: [{hold}]
break_glass:
  by: [oncall-sre]
  reason_min: 20
  valid_for: 15m
  notify: [security]
  review_within: 24h
escalate: [{{after: 30m, notify: [team-leads]}}]
tests:
  - name: a deployment needs a lead
    given: {{request.action: deploy, request.labels: []}}
    expect: {{verdict: review, because: [team-lead], risk: medium, valid_for: 30m}}
  - name: a migration needs a database administrator too
    given: {{request.action: migrate}}
    expect: {{verdict: review, because: [migration, team-lead], risk: high}}
  - name: a hotfix is valid for ten minutes only
    given: {{request.labels: [hotfix]}}
    expect: {{verdict: review, valid_for: 10m}}
{on_branch_tests}"""
ON_BRANCH = """\
  - id: on-branch
    when: "!git.on_branch"
    deny: This commit is not on the protected branch.
"""
ON_BRANCH_TESTS = """\
  - name: what is not on the branch is denied
    given: {git.on_branch: false}
    expect: {verdict: deny, because: [on-branch]}
  - name: nothing runs while the branch cannot be read
    given: {git.on_branch: ~}
    expect: {verdict: blocked, because: [on-branch]}
"""
PAYMENTS = """\
policy: payments
facts: v1
match: {projects: [payments], environments: ["*"], actions: ["*"]}
define:
  prod: request.tier == 'production'
  weekend: time.weekday in ['saturday', 'sunday']
rules:
  - id: staging-auto
    when: request.tier == 'staging' && request.action == 'deploy'
    approve: auto
  - id: two-people
    when: prod
    require: {count: 2, from: [team-leads, dba]}
  - id: weekend
    when: prod && weekend
    require: {count: 1, from: [oncall-sre]}
default: {require: {count: 1, from: [team-leads]}}
risk: {high: prod}
decide_within: 4h
valid_for: 15m
hold: [request.commit]
on_drift: deny
tests:
  - name: staging flows
    given: {request.tier: staging, request.action: deploy}
    expect: {verdict: allow, risk: low}
  - name: production takes two
    given: {request.tier: production, time.weekday: monday}
    expect: {verdict: review, because: [two-people], risk: high}
  - name: on a weekend somebody on call as well
    given: {request.tier: production, time.weekday: sunday}
    expect: {verdict: review, because: [two-people, weekend]}
"""
SEARCH = """\
policy: search
facts: v1
match: {projects: [search], environments: ["*"], actions: [deploy]}
rules:
  - id: staging-auto
    when: request.tier == 'staging'
    approve: auto
  - id: after-failure
    when: request.tier == 'production' && history.last_outcome == 'failed'
    require: {count: 1, from: [oncall-sre]}
  - id: prod-lead
    when: request.tier == 'production'
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
risk: {medium: request.tier == 'production'}
decide_within: 24h
valid_for: 1h
hold: [history.running_commit]
tests:
  - name: after a failure somebody on call looks too
    given: {request.tier: production, history.last_outcome: failed}
    expect: {verdict: review, because: [after-failure, prod-lead]}
"""


def policies(*, with_git: bool) -> list[str]:
    """The documents in force; the shop's reads git only where there is a git to read."""
    production = SHOP_PRODUCTION.format(
        on_branch=ON_BRANCH if with_git else "",
        on_branch_tests=ON_BRANCH_TESTS if with_git else "",
        hold="request.commit, git.head" if with_git else "request.commit",
    )
    return [SHOP_STAGING, production, PAYMENTS, SEARCH]


def found_company(repository: Path | None) -> dict[str, Any]:
    """Make everything; logins and tokens as they stand in demo.json. Needs an empty portal."""
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
    for text in policies(with_git=repository is not None):
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
