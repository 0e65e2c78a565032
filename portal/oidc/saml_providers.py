"""Administrators set up SAML providers, change them and check them."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from portal.access import Capability, require
from portal.kernel.canonical import JSON
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.kernel.outgoing import NoAddress, parse_address
from portal.kernel.validation import invalid
from portal.ledger.change import change, state_of
from portal.oidc.ask import ProviderFailed
from portal.oidc.keeping import insert_provider, lock_provider, note, save_provider
from portal.oidc.models import Kind, SignInProvider
from portal.oidc.saml import entity_id
from portal.saml.extra import saml_available
from portal.saml.metadata import (
    Known,
    fingerprint,
    read_certificates,
    read_metadata,
    usable_until,
)
from portal.saml.xml import SamlFailed

SETTINGS = ("name", "groups_claim", "subject_attribute", "adds_people", "private")


@transaction.atomic
def create_saml_provider(
    *,
    by: Any,
    metadata: str = "",
    issuer: str = "",
    sso_url: str = "",
    certificates: str = "",
    **wanted: Any,
) -> SignInProvider:
    """Set up a provider, by its metadata or by its three parts. Administrators only.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    require(by, Capability.ADMINISTER)
    _require_extra()
    known = _known(metadata, issuer, sso_url, certificates)
    provider = SignInProvider(
        kind=Kind.SAML, issuer=known.issuer, scopes="", created_by=by, created_at=now(), **wanted
    )
    provider.client_id = entity_id(provider)
    _configure(provider, known)
    insert_provider(by, provider, {"issuer": provider.issuer, **_state(provider)})
    return provider


@transaction.atomic
def change_saml_provider(
    *,
    by: Any,
    provider: SignInProvider,
    metadata: str = "",
    sso_url: str = "",
    certificates: str = "",
    **wanted: Any,
) -> SignInProvider:
    """Change all but its issuer; new certificates count at once, and the old ones no more.

    Raises Forbidden, Invalid naming the field, Conflict.
    """
    provider = lock_provider(by, provider)
    _require_extra()
    before = _state(provider)
    for name, value in wanted.items():
        setattr(provider, name, value)
    known = _known(metadata, provider.issuer, sso_url, certificates)
    if known.issuer != provider.issuer:
        raise invalid("metadata", _("This is the metadata of another provider."))
    _configure(provider, known)
    save_provider(by, provider, before, _state(provider), [])
    return provider


@transaction.atomic
def check_saml_provider(*, by: Any, provider: SignInProvider) -> SignInProvider:
    """Let people sign in through it, while one of its certificates counts.

    Nobody is asked: what a provider signs shows at the first sign-in. Raises Forbidden, Conflict,
    ProviderFailed.
    """
    provider = lock_provider(by, provider)
    _require_extra()
    certificates = provider.configuration["certificates"]
    if usable_until(certificates) < now().date().isoformat():
        raise ProviderFailed("its certificates have expired")
    provider.checked_at = now()
    provider.save(update_fields=["checked_at"])
    note("sign_in_provider.checked", by, provider, change({}, {}), keys=len(certificates))
    return provider


def _require_extra() -> None:
    if not saml_available():
        raise Conflict(_("SAML needs the extra “saml”, which is not installed."), code="no-saml")


def _known(metadata: str, issuer: str, sso_url: str, certificates: str) -> Known:
    """What was entered of a provider. Raises Invalid."""
    field = "metadata" if metadata.strip() else "certificates"
    try:
        if metadata.strip():
            return read_metadata(metadata)
        return Known(issuer.strip(), sso_url.strip(), read_certificates(certificates))
    except SamlFailed as problem:
        words = _("It cannot be used: %(why)s.") % {"why": problem}
        raise invalid(field, words) from None


def _configure(provider: SignInProvider, known: Known) -> None:
    try:
        address = parse_address(known.sso_url)
    except NoAddress as problem:
        raise invalid("sso_url", str(problem)) from None
    if not (address.secure or provider.private):
        raise invalid("sso_url", _("The sign-in address must begin with https://."))
    provider.configuration = {"sso_url": known.sso_url, "certificates": known.certificates}


def _state(provider: SignInProvider) -> dict[str, JSON]:
    certificates: list[JSON] = [fingerprint(one) for one in provider.configuration["certificates"]]
    configured: dict[str, JSON] = {
        "sso_url": provider.configuration["sso_url"],
        "certificates": certificates,
    }
    return {**state_of(provider, SETTINGS), **configured}
