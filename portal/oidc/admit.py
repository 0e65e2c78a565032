"""Who somebody is here, once a provider has said who they are there."""

from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.db import transaction
from django.utils.translation import gettext as _

from portal.accounts.people import add_person_from
from portal.kernel.errors import Forbidden, NotFound
from portal.ledger.actors import SYSTEM
from portal.oidc.links import add_link, link_of
from portal.oidc.mapping import apply_rules, group_values
from portal.oidc.models import SignInProvider


class NotLinked(Forbidden):
    """The account is nobody's here, and the provider does not add people."""


@transaction.atomic
def admit(*, provider: SignInProvider, claims: dict[str, Any]) -> SocialAccount:
    """The link of the account that `claims` are of, its person having what the claims give.

    Only the subject says who it is. Somebody deactivated gets nothing, and is refused by the
    sign-in itself. Raises NotLinked, Invalid (a new person whose sign-in name cannot be), NotFound.
    """
    provider = SignInProvider.objects.select_for_update().get(pk=provider.pk)
    if provider.archived_at:
        raise NotFound(_("This provider was archived."))
    values = group_values(claims, provider.groups_claim)
    link = link_of(provider, claims["sub"]) or _add(provider, claims)
    if link.user.is_active:
        link.extra_data = {"values": values}
        link.save(update_fields=["extra_data", "last_login"])
        apply_rules(provider, link.user, values)
    return link


def _add(provider: SignInProvider, claims: dict[str, Any]) -> SocialAccount:
    if not provider.adds_people:
        raise NotLinked(
            _("Your account there is not linked to anybody here. Send the subject below to an "
              "administrator of this portal and ask them to link it to you."),
            code="not-linked",
        )  # fmt: skip
    told = {name: str(claims.get(name) or "") for name in ("preferred_username", "name", "email")}
    person = add_person_from(
        source=provider.source,
        username=told["preferred_username"],
        name=told["name"] or told["preferred_username"],
        email=told["email"] if claims.get("email_verified") is True else "",
    )
    return add_link(SYSTEM, provider, person, claims["sub"])
