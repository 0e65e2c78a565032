"""Two projects and one person of each kind: what the access tables are asked about."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver

from approvals.audit.exports.order import order_export
from approvals.audit.exports.report_job import report_wish
from approvals.audit.log_tokens import issue_log_token
from approvals.audit.reports.filters import report_filters
from approvals.audit.schedules.change import create_schedule
from approvals.audit.scope import audit_scope
from approvals.audit.siem.configure import create_stream
from approvals.backtest.run import run_backtest
from approvals.backtest.start import Wish, start_backtest
from approvals.connections.configure import create_connection
from approvals.connections.hook import renew_hook
from approvals.lifecycle.submit import submit_request
from approvals.models import Backtest, Connection, Export, LogToken, ReportSchedule, Request
from policies.freezes.feeds import create_feed
from policies.models import Policy
from policies.sources.configure import create_source
from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.authentication import authenticate_token, issue_token
from portal.accounts.forge_accounts import AtForge, link_by_hand, make_challenge
from portal.accounts.models import (
    ForgeAccount,
    ForgeChallenge,
    ProjectToken,
    ServiceAccount,
    User,
)
from portal.accounts.service_accounts import create_service_account
from portal.accounts.trusts.configure import create_trust
from portal.directory.delegations import create_delegation
from portal.directory.environments import create_environment
from portal.directory.groups import add_member
from portal.directory.models import ApproverGroup, Delegation, Environment, Project
from portal.directory.projects import create_project
from portal.directory.reviews.models import AccessReview
from portal.directory.reviews.start import start_review
from portal.kernel.clock import now
from portal.kernel.ids import new_id
from portal.ledger.models import Entry
from portal.ledger.note import Key
from portal.oidc.ask import ENDPOINTS
from portal.oidc.providers import create_provider
from portal.oidc.rules import add_rule
from portal.scim.directories import create_directory
from portal.scim.hand_over import give_group, give_person
from portal.scim.models import Directory
from tests.factories import Company, company, person, submission
from tests.freezes import a_calendar, a_freeze, an_exception

PERSONAS = (
    "anonymous",
    "outsider",
    "viewer",
    "approver",
    "maintainer",
    "administrator",
    "auditor",
)

# A role that exists for the kind of object the address is about.
ROLE_OF = {
    "group-role-revoke": "group-manager",
    "portal-role-revoke": "auditor",
    "policy-role-revoke": "policy-publisher",
}


ACCOUNT = AtForge("github", "github.com", 11, "approver-at-work")


@dataclass
class Place:
    """One project with one of everything in it."""

    project: Project
    environment: Environment
    account: ServiceAccount
    token: ProjectToken
    secret: str
    request: Request
    window: Any
    exception: Any
    calendar: Any
    connection: Connection
    trust: Any


@dataclass
class World:
    """`shop` is the project the personas have roles on; `bank` is somebody else's."""

    company: Company
    shop: Place
    bank: Place
    group: ApproverGroup
    policy: Any
    backtest: Any
    export: Export  # the auditor's, waiting
    schedule: ReportSchedule  # the auditor's, sent to them
    log_token: LogToken  # the auditor's
    people: dict[str, Any]
    feed: tuple[Any, str]
    source: Any
    stream: Any
    delegation: Delegation  # of the approver, to Mallory
    directory: Directory  # keeps the group and the approver
    provider: Any
    forge_account: ForgeAccount  # the approver's
    challenge: ForgeChallenge  # the approver's too
    holder: User  # of one role on everything, to be revoked
    review: AccessReview  # of the group
    cookies: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=False))

    def ask(
        self, persona: str, method: str, address: str, name: str = "", place: Place | None = None
    ) -> int:
        """The status this persona gets; whatever it did is undone."""
        self.client.cookies.clear()
        if persona in self.cookies:
            self.client.cookies[settings.SESSION_COOKIE_NAME] = self.cookies[persona]
        form = self.form(name, place or self.shop) if method == "post" else {}
        with transaction.atomic():
            response = getattr(self.client, method)(address, form)
            transaction.set_rollback(True)
        return response.status_code

    def form(self, name: str, place: Place) -> dict[str, Any]:
        """What a browser would send; addresses not named here get a form with nothing useful."""
        filled = {
            "decide": {
                "outcome": "approve",
                "comment": "Looks right",
                "snapshot": place.request.snapshot.digest,
            },
            "withdraw": {"reason": "Not today"},
            "revoke": {"reason": "Not today"},
            "report-prepare": {"form": "csv"},
            "access-review-item": {"answer": "keep"},
        }
        return filled.get(name, {"csrfmiddlewaretoken": "from the page"})

    def arguments(self, name: str, parameters: set[str], place: Place) -> dict[str, Any]:
        """Values for the parameters of an address that is about `place`."""
        known = {
            "project_id": place.project.pk,
            "environment_id": place.environment.pk,
            "account_id": place.account.pk,
            "token_id": place.token.pk,
            "log_token_id": self.log_token.pk,
            "trust_id": place.trust.pk,
            "preset": "github",
            "request_id": place.request.pk,
            "permit_id": new_id(),
            "review_id": self.review.pk,
            "item_id": self.review.items.filter(group__isnull=False).first().pk,
            "window_id": place.window.pk,
            "exception_id": place.exception.pk,
            "calendar_id": place.calendar.pk,
            "connection_id": place.connection.pk,
            "entry_id": Entry.objects.filter(project=place.project.pk).latest("id").pk,
            "kind": "http_json",
            "report_name": "population",
            "form": "csv",
            "feed_id": self.feed[0].pk,
            "source_id": self.source.pk,
            "stream_id": self.stream.pk,
            "directory_id": self.directory.pk,
            "id": self.people["approver"].pk,
            "provider_id": self.provider.pk,
            "rule_id": self.provider.rules.get().pk,
            "token": self.feed[1],
            "secret": "cst_unknown",
            "group_id": self.group.pk,
            "delegation_id": self.delegation.pk,
            "policy_id": self.policy.pk,
            "person_id": self.holder.pk if "role" in parameters else self.people["approver"].pk,
            "role": ROLE_OF.get(name, "viewer"),
            "number": 1,
            "factor_id": 1,
            "device_id": new_id(),
            "backtest_id": self.backtest.pk,
            "export_id": self.export.pk,
            "schedule_id": self.schedule.pk,
            "link_id": self.forge_account.pk,
            "challenge_id": self.challenge.pk,
            "name": "countersign.py",
            "tile": "63/000",  # no log is that large
        }
        return {parameter: known[parameter] for parameter in parameters}


def _place(who: Company, project: Project) -> Place:
    environment = project.environments.filter(name="production").first() or create_environment(
        by=who.admin, project=project, name="production", tier="production"
    )
    account = create_service_account(
        by=who.admin, project=project, name="release-bot", owner=who.carol
    )
    _, secret = issue_token(by=who.admin, account=account, scopes=["request", "read"])
    token = authenticate_token(secret)
    request, _ = submit_request(
        token=token, submission=submission(project=project.slug), idempotency_key="first"
    )
    request.refresh_from_db()
    calendar = (
        a_freeze(who.admin, project),
        an_exception(who.admin, project),
        a_calendar(who.admin, project),
    )
    return Place(
        *(project, environment, account, token, secret, request),
        *calendar,
        _connection(who, project),
        _trust(who, account),
    )


def _trust(who: Company, account: ServiceAccount) -> Any:
    return create_trust(
        by=who.admin,
        account=account,
        preset="github",
        name="main",
        algorithm="RS256",
        source="1",
        refs=["refs/heads/main"],
        events=["push"],
    )


def _connection(who: Company, project: Project) -> Connection:
    """One with a hook, whose address is inside this network, so that testing it asks nobody."""
    connection = create_connection(
        by=who.admin,
        kind="http_json",
        name="status",
        project=project,
        settings={"url": "https://127.0.0.1/status", "facts": "flag.ready = /ready"},
        secrets={},
    )
    renew_hook(by=who.admin, connection=connection)
    return connection


def _people(who: Company) -> dict[str, Any]:
    people = {name: person(who.admin, name.title(), name) for name in PERSONAS[1:]}
    grant_role(by=who.admin, to=people["viewer"], role="viewer", target=who.project)
    grant_role(by=who.admin, to=people["maintainer"], role="maintainer", target=who.project)
    organisation = Organisation.objects.get()
    for name in ("administrator", "auditor"):
        grant_role(by=who.admin, to=people[name], role=name, target=organisation)
    add_member(
        by=who.admin,
        group=ApproverGroup.objects.get(name="team-leads"),
        person=people["approver"],
    )
    return people


def _holder(who: Company, *places: Place) -> User:
    found = person(who.admin, "Rita Roles")
    targets = {
        "auditor": [Organisation.objects.get()],
        "group-manager": [ApproverGroup.objects.get(name="team-leads")],
        "policy-publisher": [Policy.objects.get()],
        "viewer": [one for place in places for one in (place.project, place.environment)],
    }
    for role, objects in targets.items():
        for target in objects:
            grant_role(by=who.admin, to=found, role=role, target=target)
    return found


def _backtest(who: Company, policy: Policy) -> Backtest:
    """A finished one of version 1."""
    version = policy.versions.get(number=1)
    started, _ = start_backtest(by=who.admin, version=version, wish=Wish(most=1000))
    run_backtest(started.pk)
    return started


def _publish_checkpoint() -> None:
    """What the sealer would add. It would not see a world that is never committed."""
    key = Key("example", bytes(32)).vkey
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ledger_key (vkey) VALUES (%s)", [key])
        cursor.execute(
            "INSERT INTO ledger_checkpoint (size, origin, root, snapshot, cluster)"
            " SELECT coalesce(max(size), 0) + 1, 'example', sha256(''),"
            " pg_current_snapshot()::text, '' FROM ledger_checkpoint RETURNING size"
        )
        (size,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO ledger_signature (size, key, note) VALUES (%s, %s, '')", [size, key]
        )
        cursor.execute("INSERT INTO ledger_publication (size, place) VALUES (%s, 'portal')", [size])


def _stream(who: Company) -> Any:
    """One of the whole organisation, to an address inside this network, so that it asks nobody."""
    made, _secret = create_stream(
        by=who.admin, name="siem", kind="json", address="https://127.0.0.1/in"
    )
    return made


def _directory(who: Company, group: ApproverGroup, member: User) -> Directory:
    made, _secret = create_directory(by=who.admin, name="entra")
    give_group(by=who.admin, directory=made, group=group)
    give_person(by=who.admin, directory=made, person=member)
    return made


def _provider(who: Company, group: ApproverGroup) -> Any:
    """One with a rule, at an address inside this network, so that checking it asks nobody."""
    issuer = "https://127.0.0.1"
    made = create_provider(by=who.admin, name="sso", issuer=issuer, client_id="c", secret="s")
    add_rule(by=who.admin, provider=made, value="leads", group=group)
    made.configuration = dict.fromkeys(ENDPOINTS, f"{issuer}/asked")
    made.checked_at = made.created_at
    made.save()
    return made


def _export(auditor: User) -> Export:
    wish = report_wish(report_filters(audit_scope(auditor), {}))
    return order_export(by=auditor, kind="report", subject="population", form="csv", wish=wish)


def _delegation(who: Company, group: ApproverGroup, member: User) -> Delegation:
    return create_delegation(
        by=who.admin,
        group=group,
        delegator=member,
        delegate=who.mallory,
        starts_at=now(),
        ends_at=now() + timedelta(days=1),
        reason="Away",
    )


def _schedule(auditor: User) -> ReportSchedule:
    auditor.email = "auditor@example.com"
    auditor.save()
    return create_schedule(
        by=auditor,
        filters=report_filters(audit_scope(auditor), {}),
        recipients=[auditor],
        report="population",
        form="csv",
        every="day",
        hour=7,
        zone="UTC",
        period="day",
    )


def _log_token(auditor: User) -> LogToken:
    ends = now() + timedelta(days=1)
    return issue_log_token(by=auditor, name="monitor", expires_at=ends)[0]


def _review(who: Company, group: ApproverGroup) -> AccessReview:
    due = now() + timedelta(days=14)
    return start_review(by=who.admin, name="This quarter", due_at=due, group=group)


def build() -> World:
    """Everything above, through the real services."""
    _publish_checkpoint()
    who = company()
    bank = create_project(by=who.admin, slug="bank", name="Bank")
    people = _people(who)
    group = ApproverGroup.objects.get(name="team-leads")
    places = [_place(who, who.project), _place(who, bank)]
    policy = Policy.objects.get()
    world = World(
        company=who,
        shop=places[0],
        bank=places[1],
        group=group,
        policy=policy,
        backtest=_backtest(who, policy),
        export=_export(people["auditor"]),
        schedule=_schedule(people["auditor"]),
        log_token=_log_token(people["auditor"]),
        people=people,
        feed=create_feed(by=people["administrator"], name="phone"),
        source=create_source(by=who.admin, repository="https://git.example/policies"),
        stream=_stream(who),
        delegation=_delegation(who, group, people["approver"]),
        directory=_directory(who, group, people["approver"]),
        provider=_provider(who, group),
        forge_account=link_by_hand(
            by=who.admin, person=people["approver"], account=ACCOUNT, reason="Seen in person"
        ),
        challenge=make_challenge(by=people["approver"], account=ACCOUNT._replace(number=12)),
        holder=_holder(who, *places),
        review=_review(who, group),
    )
    for name, one in people.items():
        client = Client()
        client.force_login(one)
        world.cookies[name] = client.cookies[settings.SESSION_COOKIE_NAME].value
    return world


def every_address() -> dict[str, set[str]]:
    """Each address of the portal by name, with the names of its parameters."""
    return dict(_walk(get_resolver(), "", set()))


def _walk(resolver: Any, namespace: str, parameters: set[str]) -> Any:
    for pattern in resolver.url_patterns:
        found = parameters | set(pattern.pattern.converters)
        found |= set(pattern.pattern.regex.groupindex)
        if hasattr(pattern, "url_patterns"):
            below = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern, below, found)
        else:
            yield f"{namespace}{pattern.name}", found
