"""A small company, made by the real services: no test invents a row that cannot exist."""

import itertools
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.authentication import authenticate_token, issue_token
from portal.accounts.models import ProjectToken, ServiceAccount, User
from portal.accounts.people import create_person, found_portal
from portal.accounts.service_accounts import create_service_account
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.models import Environment, Project
from portal.directory.projects import create_project
from tests.second_factor import Passkey, at_the_portal

PASSWORD = "correct horse battery staple"
COMMIT = "1" * 40
_numbers = itertools.count(1)

STAGING_AUTO = """\
policy: shop
facts: v1
match: {projects: ["**"], environments: ["*"], actions: ["*"]}
rules:
  - id: staging-auto
    when: request.tier == 'staging'
    approve: auto
  - id: never-testing
    when: request.tier == 'testing'
    deny: Nothing runs on {request.environment}.
  - id: production-lead
    when: request.tier == 'production'
    require: {count: 1, from: [team-leads]}
default: {require: {count: 1, from: [team-leads]}}
decide_within: 24h
valid_for: 1h
hold: [request.commit]
"""


@dataclass
class Company:
    """Who and what the tests talk about."""

    admin: User
    deputy: User
    alice: User  # leads, may decide
    bob: User  # leads too
    carol: User  # runs the service account
    mallory: User  # outsider: signed in, no role
    project: Project
    staging: Environment
    production: Environment
    testing: Environment
    account: ServiceAccount
    token: ProjectToken
    secret: str


def person(by: User, name: str, username: str | None = None) -> User:
    """One more person of the company."""
    username = username or name.split(" ", maxsplit=1)[0].lower()
    return create_person(
        by=by,
        username=username,
        name=name,
        password=PASSWORD,
        email=f"{username}@example.com",
    )


def company(policy: str = STAGING_AUTO, slug: str = "shop", repository: str = "") -> Company:
    """Project with three environments, a group of two leads, a policy in force, a token."""
    admin = found_portal(
        organisation="Example", username="admin", name="Ada Admin", password=PASSWORD
    )
    organisation = Organisation.objects.get()
    deputy = person(admin, "Dee Deputy")
    for role in ("administrator", "policy-publisher"):
        grant_role(by=admin, to=deputy, role=role, target=organisation)
    alice, bob = person(admin, "Alice Lead"), person(admin, "Bob Lead")
    carol, mallory = person(admin, "Carol Release"), person(admin, "Mallory Outside")
    project = create_project(by=admin, slug=slug, name="Shop", repository=repository)
    environments = {
        tier: create_environment(by=admin, project=project, name=tier, tier=tier)
        for tier in ("staging", "production", "testing")
    }
    group = create_group(by=admin, name="team-leads")
    for member in (alice, bob):
        add_member(by=admin, group=group, person=member)
    for viewer in (alice, bob, carol):
        grant_role(by=admin, to=viewer, role="viewer", target=project)
    put_in_force(admin, deputy, policy)
    account = create_service_account(by=admin, project=project, name="deploy-bot", owner=carol)
    _, secret = issue_token(by=admin, account=account, scopes=["request", "read"])
    return Company(
        admin=admin, deputy=deputy, alice=alice, bob=bob, carol=carol, mallory=mallory,
        project=project, account=account, token=authenticate_token(secret), secret=secret,
        **environments,
    )  # fmt: skip


def put_in_force(author: User, publisher: User, text: str) -> Any:
    """Save a policy and let somebody else publish it."""
    from policies.publishing import create_policy, publish_version

    version = create_policy(by=author, text=text)
    publish_version(by=publisher, version=version)
    return version


def submission(environment: str = "production", **fields: Any) -> Any:
    """What a pipeline sends; a new run each time."""
    from approvals.lifecycle.submit import Submission

    values: dict[str, Any] = {
        "project": "shop",
        "environment": environment,
        "action": "deploy",
        "subject": {"commit": COMMIT, "ref": "refs/heads/main"},
        "run": {"id": str(next(_numbers)), "attempt": 1, "actor": "carol"},
        "reason": "Release 4.18",
    }
    return Submission(**{**values, **fields})


def ask(who: Company, environment: str = "production", **fields: Any) -> Any:
    """A request that was just submitted; the row as it is now."""
    from approvals.lifecycle.submit import submit_request

    request, created = submit_request(
        token=who.token,
        submission=submission(environment, **fields),
        idempotency_key=f"key-{next(_numbers)}",
    )
    assert created
    request.refresh_from_db()
    return request


def decide(request: Any, by: User, outcome: str = "approve", comment: str = "Looks right") -> Any:
    """A decision on what is on the screen now; the row afterwards."""
    from approvals.lifecycle.decide import record_decision

    request.refresh_from_db()
    record_decision(
        by=by,
        request_id=request.id,
        outcome=outcome,
        comment=comment,
        snapshot_digest=request.snapshot.digest,
        session=confirmed(by, request) if request.verdict.body["step_up"] else "",
    )
    request.refresh_from_db()
    return request


def confirmed(by: User, request: Any) -> str:
    """Show a second factor where policy asks for one; the session to decide in."""
    from approvals.lifecycle.step_up import (
        Occasion,
        challenge_bytes,
        confirm_with_passkey,
        new_challenge,
    )

    occasion = Occasion(request.id, request.snapshot.digest, f"session-{next(_numbers)}")
    challenge = new_challenge(by, occasion)
    with at_the_portal():
        answer = Passkey().register(by).answer(challenge_bytes(challenge))
        confirm_with_passkey(by=by, occasion=occasion, challenge=challenge, credential=answer)
    return occasion.session


def backdate(permit: Any, **times: Any) -> Any:
    """Set times of a permit that the database keeps as they were given; the row afterwards."""
    table = "ALTER TABLE approvals_permit"
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # no ALTER while checks are pending
        cursor.execute(f"{table} DISABLE TRIGGER permit_given")
        type(permit).objects.filter(pk=permit.pk).update(**times)
        cursor.execute(f"{table} ENABLE ALWAYS TRIGGER permit_given")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    permit.refresh_from_db()
    return permit


def redeem(who: Company, request: Any) -> Any:
    """The permit for the run that asked."""
    from approvals.lifecycle.redeem import Claim, redeem_request

    claim = Claim(request.run["id"], request.run["attempt"], request.digest)
    return redeem_request(token=who.token, request_id=request.id, claim=claim)
