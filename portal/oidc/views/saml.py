"""Pages of SAML: a new provider, its metadata for the other side, and the way back."""

from uuid import UUID

from allauth.socialaccount.helpers import complete_social_login, render_authentication_error
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.providers.base import ProviderException
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.access import Capability, require
from portal.kernel.errors import NotFound
from portal.kernel.http import PersonRequest, attempt, form_page
from portal.oidc.forms import NewSamlForm
from portal.oidc.models import Kind
from portal.oidc.queries import load_provider, usable_provider
from portal.oidc.saml import acs_url, provider_of
from portal.oidc.saml_providers import create_saml_provider
from portal.saml.extra import saml_available
from portal.saml.metadata import own_metadata

MOST_RESPONSE = 350_000  # characters of Base64


@require_http_methods(["GET", "POST"])
def saml_provider_new(request: PersonRequest) -> HttpResponse:
    """Set up a SAML provider."""
    require(request.user, Capability.ADMINISTER)
    if not saml_available():
        raise NotFound(_("SAML needs the extra “saml”, which is not installed."))
    form = NewSamlForm(request.POST or None)
    if made := attempt(form, create_saml_provider, by=request.user):
        messages.success(request, _("Provider added. Next: register its two addresses there, "
                                    "then press Check."))  # fmt: skip
        return redirect("sign-in-provider", made.pk)
    return form_page(
        request,
        form,
        title=_("New SAML provider"),
        intro=_("Enter its metadata, or its entity id, sign-in address and certificate."),
        submit=_("Add provider"),
        cancel=reverse("sign-in-providers"),
    )


@login_not_required
@require_safe
def saml_metadata(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """What this portal is at one provider; nothing in it is secret."""
    row = load_provider(provider_id)
    if row.kind != Kind.SAML or row.archived_at or not saml_available():
        raise NotFound(_("There is no such provider."))
    written = own_metadata(row.client_id, acs_url(row))
    return HttpResponse(written, content_type="application/samlmetadata+xml")


@csrf_exempt
@never_cache
@login_not_required
@require_POST
def saml_acs(request: HttpRequest, provider_id: UUID) -> HttpResponse:
    """Back from the provider, by a form of another site.

    Browsers send that form without our session. So the first time a page sends it on to this same
    address, from here. It needs no token of ours: it counts only for the request that this session
    began, and once.
    """
    row = usable_provider(provider_id, Kind.SAML)
    provider = provider_of(request, row)
    encoded, relay = request.POST.get("SAMLResponse", ""), request.POST.get("RelayState", "")
    if len(encoded) > MOST_RESPONSE:
        return _failed(request, provider)
    if "again" not in request.POST:
        context = {"provider": row, "response": encoded, "relay": relay}
        return render(request, "portal/sign_in_back.html", context)
    state = statekit.unstash_state(request, provider_id=provider.sub_id, state_id=relay)
    if state is None:
        return _failed(request, provider)
    try:
        login = provider.login_of(request, encoded, state["request_id"])
    except ProviderException as problem:
        return _failed(request, provider, exception=problem, extra_context={"state": state})
    login.state = state
    answer: HttpResponse = complete_social_login(request, login)
    return answer


def _failed(request: HttpRequest, provider: object, **why: object) -> HttpResponse:
    answer: HttpResponse = render_authentication_error(request, provider, **why)
    return answer
