"""What every change of a provider does: the right, the lock, the limit, the entry."""

from typing import Any

from django.utils.translation import gettext as _

from portal.access import Capability, require
from portal.kernel.canonical import JSON
from portal.kernel.errors import Conflict
from portal.kernel.validation import check_row, insert_row
from portal.ledger.actors import person_actor
from portal.ledger.change import change
from portal.ledger.record import record
from portal.oidc.models import SignInProvider

MOST = 20


def lock_provider(by: Any, provider: SignInProvider) -> SignInProvider:
    """Its row, locked, for an administrator. Raises Forbidden, Conflict (archived)."""
    require(by, Capability.ADMINISTER)
    locked = SignInProvider.objects.select_for_update().get(pk=provider.pk)
    if locked.archived_at:
        raise Conflict(_("This provider was archived."), code="archived")
    return locked


def insert_provider(by: Any, provider: SignInProvider, state: dict[str, JSON]) -> None:
    """A new one, with `state` in its entry. Raises Invalid, Conflict."""
    if SignInProvider.objects.filter(archived_at=None).count() >= MOST:
        raise Conflict(f"There are {MOST} providers already. Archive one first.", code="too-many")
    insert_row(provider)
    note("sign_in_provider.created", by, provider, change({}, state))


def save_provider(
    by: Any,
    provider: SignInProvider,
    before: dict[str, JSON],
    after: dict[str, JSON],
    secrets_replaced: list[JSON],
) -> None:
    """Write what moved, with an entry; nothing where nothing did. Raises Invalid, Conflict."""
    check_row(provider)
    if before == after and not secrets_replaced:
        return
    provider.save()
    moved = [name for name in after if before[name] != after[name]]
    changed = change({n: before[n] for n in moved}, {n: after[n] for n in moved})
    note("sign_in_provider.changed", by, provider, changed, secrets_replaced=secrets_replaced)


def note(
    event: str, by: Any, provider: SignInProvider, changed: dict[str, JSON], **more: JSON
) -> None:
    """The entry of what somebody did to a provider. Of its secret it says only that it moved."""
    about: dict[str, JSON] = {"kind": "sign_in_provider", "id": str(provider.pk), **more}
    record(event, actor=person_actor(by), object=about, change=changed)
