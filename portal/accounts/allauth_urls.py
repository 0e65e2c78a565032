"""The addresses of django-allauth that this portal offers; the others answer 404.

Above all nobody changes their own e-mail address: it tells who wrote a commit, so whoever could
change it could decide on their own change (ATTACKS A1). Administrators change addresses.
"""

from allauth.account import views
from allauth.mfa.base.views import authenticate
from allauth.mfa.webauthn.views import login_webauthn
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from portal.accounts.views.confirm import confirm

# allauth asks for these addresses by name, so they need to exist.
_CLOSED = {
    "signup/": "account_signup",
    "email/": "account_email",
    "confirm-email/": "account_email_verification_sent",
    "password/set/": "account_set_password",
    "password/reset/": "account_reset_password",
}


@login_not_required
def closed(request: HttpRequest) -> HttpResponse:
    """Not offered here."""
    raise Http404


urlpatterns = [
    path("login/", views.login, name="account_login"),
    path("logout/", views.logout, name="account_logout"),
    path("inactive/", views.account_inactive, name="account_inactive"),
    path("reauthenticate/", views.reauthenticate, name="account_reauthenticate"),
    path("password/change/", views.password_change, name="account_change_password"),
    path("2fa/authenticate/", authenticate, name="mfa_authenticate"),
    path("2fa/passkey/", login_not_required(login_webauthn), name="mfa_login_webauthn"),
    path("2fa/confirm/", confirm, name="mfa_reauthenticate"),
    path("2fa/confirm/passkey/", confirm, name="mfa_reauthenticate_webauthn"),
    *(path(address, closed, name=name) for address, name in _CLOSED.items()),
]
