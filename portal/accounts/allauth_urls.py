"""The addresses of django-allauth that this portal offers; the others answer 404.

Above all nobody changes their own e-mail address: it tells who wrote a commit, so whoever could
change it could decide on their own change (ATTACKS A1). Administrators change addresses.
"""

from allauth.account import views
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

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
    *(path(address, closed, name=name) for address, name in _CLOSED.items()),
]
