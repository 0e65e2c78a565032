"""The read side of people, service accounts and tokens."""

from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import QuerySet

from portal.access import ROLES, Capability, holds
from portal.accounts.models import ProjectToken, ServiceAccount, User
from portal.kernel.errors import NotFound


def load_project(person: User, project_id: UUID) -> Any:
    """The project, where `person` may view all of it. Raises NotFound otherwise.

    Asked for by name: accounts and directory stand side by side and do not import each other.
    """
    project = apps.get_model("portal", "Project")._default_manager.filter(pk=project_id).first()
    if project is None or not holds(person, Capability.VIEW, project):
        raise NotFound("There is no such project, or it is not yours to see.")
    return project


def load_account(person: User, project_id: UUID, account_id: UUID) -> ServiceAccount:
    """A service account of a project that `person` may view. Raises NotFound otherwise."""
    project = load_project(person, project_id)
    accounts = ServiceAccount.objects.select_related("owner", "project")
    account = accounts.filter(pk=account_id, project=project).first()
    if account is None:
        raise NotFound("There is no such service account.")
    return account


def tokens_of(account: ServiceAccount) -> QuerySet[ProjectToken]:
    """Its project tokens, newest first, with environments and who issued them."""
    tokens = (
        account.tokens.filter(trust=None)
        .select_related("created_by")
        .prefetch_related("environments")
    )
    return tokens.order_by("-created_at")


def load_token(account: ServiceAccount, token_id: UUID) -> ProjectToken:
    """A token of this account. Raises NotFound."""
    token = account.tokens.filter(pk=token_id, trust=None).first()
    if token is None:
        raise NotFound("There is no such project token.")
    token.account = account
    return token


def people() -> QuerySet[User]:
    """Everybody, active ones first, by name."""
    return User.objects.order_by("-is_active", "name", "username")


def load_person(person_id: UUID) -> User:
    """A person. Raises NotFound."""
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        raise NotFound("There is no such person.")
    return person


def given_to(person: User) -> dict[str, list[str]]:
    """The names of this person's approver groups and the titles of their roles."""
    held = set(person.role_grants.values_list("role", flat=True))
    return {
        "groups": list(
            person.memberships.order_by("group__name").values_list("group__name", flat=True)
        ),
        "roles": [role.title for name, role in ROLES.items() if name in held],
    }
