"""Pages of sign-in providers; for administrators."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import Capability, require
from portal.kernel.http import PersonRequest, ask_first, attempt, form_page, page_of
from portal.oidc.archive import archive_provider
from portal.oidc.ask import ProviderFailed
from portal.oidc.confirm import return_url
from portal.oidc.exchange import callback_url
from portal.oidc.forms import ProviderForm
from portal.oidc.links import links_of
from portal.oidc.models import SignInProvider
from portal.oidc.providers import change_provider, check_provider, create_provider
from portal.oidc.queries import load_provider
from portal.oidc.queries import providers as all_providers


def load(request: PersonRequest, provider_id: UUID) -> SignInProvider:
    """The provider, for an administrator: the right is asked first. Raises Forbidden, NotFound."""
    require(request.user, Capability.ADMINISTER)
    return load_provider(provider_id)


@require_safe
def providers(request: PersonRequest) -> HttpResponse:
    """Through which systems people may sign in."""
    require(request.user, Capability.ADMINISTER)
    return render(request, "portal/sign_in_providers.html", {"providers": all_providers()})


@require_safe
def provider(request: PersonRequest, provider_id: UUID) -> HttpResponse:
    """One provider with its rules and the accounts that are linked."""
    found = load(request, provider_id)
    context = {
        "provider": found,
        "callback": callback_url(found),
        "confirm_callback": return_url(found),
        "rules": found.rules.select_related("group", "project", "created_by"),
        "page": page_of(request, links_of(found)),
    }
    return render(request, "portal/sign_in_provider.html", context)


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
    form = ProviderForm(request.POST or None, instance=found)
    if attempt(form, change_provider, by=request.user, provider=found):
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
    """Ask the provider for its configuration, its keys, and whether it knows this portal."""
    found = load(request, provider_id)
    try:
        check_provider(by=request.user, provider=found)
        messages.success(request, _("It answers, and knows this portal. People can sign in."))
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
