"""Pages of sign-in providers; for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import Capability, require
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of
from portal.oidc.archive import archive_provider
from portal.oidc.ask import ENDPOINTS, ProviderFailed
from portal.oidc.confirm import return_url
from portal.oidc.exchange import callback_url
from portal.oidc.forms import ProviderForm, SamlForm
from portal.oidc.links import links_of
from portal.oidc.models import Kind, SignInProvider
from portal.oidc.providers import change_provider, check_provider, create_provider
from portal.oidc.queries import load_provider
from portal.oidc.queries import providers as all_providers
from portal.oidc.saml import acs_url
from portal.oidc.saml_providers import change_saml_provider, check_saml_provider
from portal.saml.extra import saml_available
from portal.saml.metadata import fingerprint, usable_until

_CHANGES = {
    Kind.OPENID: (ProviderForm, change_provider),
    Kind.SAML: (SamlForm, change_saml_provider),
}
_CHECKS = {
    Kind.OPENID: (
        check_provider,
        gettext_lazy("It answers, and knows this portal. People can sign in."),
    ),
    Kind.SAML: (
        check_saml_provider,
        gettext_lazy("What was entered can be used. People can sign in."),
    ),
}


def load(request: PersonRequest, provider_id: UUID) -> SignInProvider:
    """The provider, for an administrator: the right is asked first. Raises Forbidden, NotFound."""
    require(request.user, Capability.ADMINISTER)
    return load_provider(provider_id)


@require_safe
def providers(request: PersonRequest) -> HttpResponse:
    """Through which systems people may sign in."""
    require(request.user, Capability.ADMINISTER)
    context = {"providers": all_providers(), "saml": saml_available()}
    return render(request, "portal/sign_in_providers.html", context)


@require_safe
def provider(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """One provider with its rules and the accounts that are linked."""
    found = load(request, provider_id)
    context = {
        "provider": found,
        "addresses": _saml_addresses(found) if found.kind == Kind.SAML else _addresses(found),
        "usable": found.kind == Kind.OPENID or saml_available(),
        "rules": found.rules.select_related("group", "project", "created_by"),
        "page": page_of(request, links_of(found)),
    }
    return render(request, "portal/sign_in_provider.html", context)


def _addresses(found: SignInProvider) -> list[tuple[str, str]]:
    """What is registered at it, and what it is asked by."""
    lines = [(_("Callback address"), callback_url(found))]
    if found.confirms:
        lines.append((_("Callback address of confirming"), return_url(found)))
    lines += [(_("Issuer"), found.issuer), (_("Client id"), found.client_id)]
    known = found.configuration
    endpoints = [(name, known[name]) for name in ENDPOINTS if name in known]
    return [*lines, (_("Scopes"), found.scopes), *endpoints]


def _saml_addresses(found: SignInProvider) -> list[tuple[str, str]]:
    """The same of a SAML provider: first what is registered at it, then what it is known by."""
    certificates = found.configuration["certificates"]
    return [
        (_("Reply address (ACS)"), acs_url(found)),
        (_("Entity id of this portal, and address of its metadata"), found.client_id),
        (_("Entity id of the provider"), found.issuer),
        (_("Sign-in address"), found.configuration["sso_url"]),
        *((_("SHA-256 of its certificate"), fingerprint(one)) for one in certificates),
        (_("Certificates end"), usable_until(certificates)),
    ]


@require_http_methods(["GET", "POST"])
def provider_new(request: PersonRequest) -> HttpResponse:
    """Set up a provider."""
    require(request.user, Capability.ADMINISTER)
    form = ProviderForm(request.POST or None)
    if made := attempt(form, create_provider, by=request.user):
        messages.success(request, _("Provider added. Next: register its callback address there, "
                                    "then check it."))  # fmt: skip
        return redirect("sign-in-provider", made.pk)
    return form_page(
        request,
        form,
        title=_("New sign-in provider"),
        intro=_("Register this portal there first: that gives the client id and the secret."),
        submit=_("Add provider"),
        cancel=reverse("sign-in-providers"),
    )


@require_http_methods(["GET", "POST"])
def provider_edit(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Change a provider."""
    found = load(request, provider_id)
    form_class, change = _CHANGES[Kind(found.kind)]
    form = form_class(request.POST or None, instance=found)
    if attempt(form, change, by=request.user, provider=found):
        messages.success(request, _("Provider changed."))
        return redirect("sign-in-provider", found.pk)
    return form_page(
        request,
        form,
        title=_("Change %(provider)s") % {"provider": found},
        intro=_("The issuer stays: another one knows other people. Add another provider for it."),
        submit=_("Save"),
        cancel=reverse("sign-in-provider", args=[found.pk]),
    )


@require_POST
def provider_check(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Find out whether people can sign in through it, and let them."""
    found = load(request, provider_id)
    check, done = _CHECKS[Kind(found.kind)]
    try:
        check(by=request.user, provider=found)
        messages.success(request, done)
    except ProviderFailed as problem:
        messages.error(request, _("It could not be used: %(why)s.") % {"why": problem})
    return redirect("sign-in-provider", found.pk)


@require_http_methods(["GET", "POST"])
def provider_archive(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """Put a provider out of use, after asking."""
    found = load(request, provider_id)
    question = ask_first(
        request,
        title=_("Archive %(provider)s?") % {"provider": found},
        text=_("Nobody can sign in through it any more. Every membership and role that its claims "
               "gave ends at once. This cannot be undone."),
        submit=_("Archive provider"),
        cancel=reverse("sign-in-provider", args=[found.pk]),
    )  # fmt: skip
    if question:
        return question
    archive_provider(by=request.user, provider=found)
    messages.success(request, _("Provider archived."))
    return redirect("sign-in-providers")
