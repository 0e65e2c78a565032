"""Which account at a provider is which person here: the pair of provider and subject, no more.

The rows are django-allauth's. Nothing that a provider says of names or addresses is compared.
"""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from portal.access import Capability, require
from portal.accounts.models import User
from portal.accounts.people import check_not_erased
from portal.kernel.errors import Conflict
from portal.kernel.validation import invalid
from portal.ledger.actors import Actor, person_actor
from portal.ledger.record import record
from portal.oidc.keeping import lock_provider
from portal.oidc.mapping import apply_rules
from portal.oidc.models import SignInProvider
from portal.oidc.subjects import usable_subject


def links_of(provider: SignInProvider) -> "QuerySet[SocialAccount]":
    """The accounts at this provider that are linked, by the person's name."""
    rows = SocialAccount.objects.filter(provider=provider.key).select_related("user")
    return rows.order_by("user__name", "pk")  # type: ignore[no-any-return]


def link_of(provider: SignInProvider, subject: str) -> SocialAccount | None:
    """The link of this very account, or None."""
    return links_of(provider).filter(uid=subject).first()


@transaction.atomic
def link_person(*, by: Any, provider: SignInProvider, person: User, subject: str) -> SocialAccount:
    """Let the account `subject` at the provider sign in as `person`. Administrators only.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    provider = lock_provider(by, provider)
    check_not_erased(User.objects.select_for_update(no_key=True).get(pk=person.pk))
    return add_link(person_actor(by), provider, person, subject.strip())


def add_link(actor: Actor, provider: SignInProvider, person: User, subject: str) -> SocialAccount:
    """The link, inside the transaction of a caller that holds the provider's row.

    Its `extra_data` is empty until a sign-in brings the values of the claim.
    """
    if not usable_subject(subject):
        raise invalid("subject", _("Enter the subject as the provider writes it."))
    if link_of(provider, subject) is not None:
        raise invalid("subject", _("This account is linked to a person already."))
    if links_of(provider).filter(user=person).exists():
        raise Conflict(_("This person has an account at this provider. Unlink it first."))
    link = SocialAccount.objects.create(provider=provider.key, uid=subject, user=person)
    _record("sign_in_link.added", actor, provider, person)
    return link


@transaction.atomic
def unlink_person(*, by: Any, provider: SignInProvider, person: User) -> None:
    """The account signs nobody in any more, and what its claims gave ends. Administrators only."""
    require(by, Capability.ADMINISTER)
    provider = SignInProvider.objects.select_for_update().get(pk=provider.pk)
    removed, _each = links_of(provider).filter(user=person).delete()
    if removed:
        _record("sign_in_link.removed", person_actor(by), provider, person)
        apply_rules(provider, person, [])


def _record(event: str, actor: Actor, provider: SignInProvider, person: User) -> None:
    # The subject stays out: it is somebody's, and must be erasable.
    about = {"kind": "person", "id": str(person.actor_ref), "provider": str(provider.pk)}
    record(event, actor=actor, object=about)
