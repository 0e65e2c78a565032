"""Every address of the portal."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import include, path


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Alive; says nothing else."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("portal.directory.urls")),
    path("", include("portal.accounts.urls")),
    path("", include("portal.scim.urls")),
    path("", include("portal.oidc.urls")),
    path("", include("policies.urls")),
    path("", include("approvals.urls")),
    path("", include("approvals.ci.urls")),
    path("account/", include("portal.accounts.allauth_urls")),
]

handler400 = "portal.config.errors.bad_request"
handler403 = "portal.config.errors.forbidden"
handler404 = "portal.config.errors.not_found"
handler500 = "portal.config.errors.server_error"
