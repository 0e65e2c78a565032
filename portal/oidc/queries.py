"""The read side of providers, rules and links."""

from uuid import UUID

from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

from portal.kernel.errors import NotFound
from portal.oidc.models import ClaimRule, Kind, SignInProvider
from portal.saml.extra import saml_available


def usable_providers() -> "QuerySet[SignInProvider]":
    """Those that people may sign in through: in use, checked once, and of a kind there is here."""
    rows = SignInProvider.objects.filter(archived_at=None, checked_at__isnull=False)
    return rows if saml_available() else rows.exclude(kind=Kind.SAML)


def usable_provider(provider_id: UUID | str, *kinds: Kind) -> SignInProvider:
    """One of them, of one of these kinds where any are given. Raises NotFound."""
    found = usable_providers().filter(pk=provider_id, kind__in=kinds or Kind.values).first()
    if found is None:
        raise NotFound(_("Nobody signs in through this provider."))
    return found


def providers() -> "QuerySet[SignInProvider]":
    """All in use, with the number of their rules."""
    rows = SignInProvider.objects.filter(archived_at=None)
    return rows.annotate(rule_count=Count("rules"))


def load_provider(provider_id: UUID) -> SignInProvider:
    """A provider, archived or not. Raises NotFound."""
    found = SignInProvider.objects.filter(pk=provider_id).select_related("created_by").first()
    if found is None:
        raise NotFound(_("There is no such provider."))
    return found


def load_rule(provider: SignInProvider, rule_id: UUID) -> ClaimRule:
    """A rule of this provider. Raises NotFound."""
    found = provider.rules.select_related("group", "project").filter(pk=rule_id).first()
    if found is None:
        raise NotFound(_("There is no such rule."))
    return found
