"""A small company for the tests of directory, accounts and policies, made by the real services."""

from dataclasses import dataclass

import pytest

from portal.access import grant_role
from portal.access.models import Organisation
from portal.accounts.authentication import issue_token
from portal.accounts.models import ServiceAccount, User
from portal.accounts.people import create_person, found_portal
from portal.accounts.service_accounts import create_service_account
from portal.directory.environments import create_environment
from portal.directory.groups import add_member, create_group
from portal.directory.models import ApproverGroup, Environment, Project
from portal.directory.projects import create_project
from portal.ledger.models import Entry
from tests.shared import shared

PASSWORD = "correct-horse-battery"


@dataclass
class Company:
    """Ada administers; Max maintains `shop`, Vera views it, Gus manages `leads`, Olga is nobody."""

    ada: User
    max: User
    vera: User
    gus: User
    olga: User
    organisation: Organisation
    shop: Project
    bank: Project
    production: Environment
    leads: ApproverGroup

    def person(self, username: str) -> User:
        return create_person(
            by=self.ada, username=username, name=username.title(), password=PASSWORD
        )

    def account(self, name: str = "deployer") -> ServiceAccount:
        return create_service_account(by=self.max, project=self.shop, name=name)

    def token(self, **wishes):
        wishes = {"scopes": ["request"], **wishes}
        account = wishes.pop("account", None) or self.account()
        return issue_token(by=self.max, account=account, **wishes)


def _people(ada: User) -> list[User]:
    return [
        create_person(by=ada, username=name, name=name.title(), password=PASSWORD)
        for name in ("max", "vera", "gus", "olga")
    ]


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@shared.fixture
def company() -> Company:
    """Made once for tests that come one after the other."""
    ada = found_portal(organisation="Acme", username="ada", name="Ada", password=PASSWORD)
    max_, vera, gus, olga = _people(ada)
    shop = create_project(by=ada, slug="shop", name="Shop")
    bank = create_project(by=ada, slug="bank", name="Bank")
    leads = create_group(by=ada, name="leads")
    grant_role(by=ada, to=max_, role="maintainer", target=shop)
    grant_role(by=ada, to=vera, role="viewer", target=shop)
    grant_role(by=ada, to=gus, role="group-manager", target=leads)
    production = create_environment(by=max_, project=shop, name="production", tier="production")
    add_member(by=gus, group=leads, person=vera)
    organisation = Organisation.objects.get()
    return Company(ada, max_, vera, gus, olga, organisation, shop, bank, production, leads)


def entries(type_: str) -> list[str]:
    """The payloads of every entry of this type, oldest first, as text."""
    rows = Entry.objects.filter(type=type_).order_by("id")
    return [bytes(row.payload).decode() for row in rows]


def last_entry(type_: str) -> str:
    return entries(type_)[-1]
