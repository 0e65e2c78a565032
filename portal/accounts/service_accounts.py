"""Service accounts: the machine identities of a project."""

from typing import Any

from django.db import transaction

from portal.access import Capability, require
from portal.accounts.models import ServiceAccount, User
from portal.kernel.errors import Conflict
from portal.kernel.validation import changed_fields, check_row, insert_row, invalid
from portal.ledger.actors import person_actor
from portal.ledger.change import change, state_of
from portal.ledger.record import record

RECORDED = ("name", "owner", "is_active")


def _check_owner(owner: User) -> None:
    if not owner.is_active:
        raise invalid("owner", "The owner is deactivated. Choose somebody who can answer for it.")


def _record(event: str, by: User, account: ServiceAccount, before: Any, after: Any) -> None:
    record(
        event,
        actor=person_actor(by),
        project=account.project_id,
        object={
            "kind": "service_account",
            "id": str(account.pk),
            "ref": str(account.actor_ref),
        },
        change=change(before, after),
    )


@transaction.atomic
def create_service_account(
    *, by: User, project: Any, name: str, owner: User | None = None
) -> ServiceAccount:
    """Add a service account to `project`, owned by `by` unless said otherwise.

    The owner answers for it and may not decide on its requests. Maintainers may. Raises Forbidden,
    Invalid, Conflict for an archived project.
    """
    require(by, Capability.MAINTAIN, project)
    if project.archived_at:
        raise Conflict(f"{project} is archived. Restore it first.", code="archived")
    owner = owner or by
    _check_owner(owner)
    account = ServiceAccount(project=project, name=name, owner=owner)
    insert_row(account)
    _record("service_account.created", by, account, {}, state_of(account, RECORDED))
    return account


def _change(by: User, account: ServiceAccount, wanted: dict[str, Any]) -> ServiceAccount:
    require(by, Capability.MAINTAIN, account.project)
    account = ServiceAccount.objects.select_for_update().get(pk=account.pk)
    moved = changed_fields(account, wanted)
    if not moved:
        return account
    before = state_of(account, moved)
    for field, value in moved.items():
        setattr(account, field, value)
    check_row(account, moved)
    account.save(update_fields=list(moved))
    _record("service_account.changed", by, account, before, state_of(account, moved))
    return account


@transaction.atomic
def change_service_account(
    *, by: User, account: ServiceAccount, name: str, owner: User
) -> ServiceAccount:
    """Rename it or hand it over. Maintainers may. Raises Forbidden, Invalid."""
    if owner.pk != account.owner_id:
        _check_owner(owner)
    return _change(by, account, {"name": name, "owner": owner})


@transaction.atomic
def deactivate_service_account(*, by: User, account: ServiceAccount) -> ServiceAccount:
    """Refuse all its tokens from now on. Maintainers may."""
    return _change(by, account, {"is_active": False})


@transaction.atomic
def reactivate_service_account(*, by: User, account: ServiceAccount) -> ServiceAccount:
    """Undo `deactivate_service_account`; its tokens that still run count again."""
    return _change(by, account, {"is_active": True})
