"""Refusals in the form of who called: pages for people, problems for machines, SCIM's for SCIM."""

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.cache import patch_vary_headers

from approvals.ci.gate import wants_line
from approvals.ci.problems import as_line, as_problem, problem_of
from portal.config.errors import refused
from portal.kernel.database import AWAY
from portal.kernel.errors import Refused
from portal.scim.errors import as_error, error_of

View = Callable[..., HttpResponseBase]
SCIM = "/scim/"


def _from_machine(request: HttpRequest) -> bool:
    machines = ("/api/", "/.well-known/", "/hooks/", "/admission/", SCIM)
    return request.path_info.startswith(machines)


class HeadersMiddleware:
    """What Django's SecurityMiddleware does not say yet, on every answer.

    Neither a page here nor a frame in it uses a sensor; no other site embeds what is answered.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        self.headers = {
            "Permissions-Policy": ", ".join(
                f"{feature}=({who})" for feature, who in settings.PERMISSIONS_POLICY.items()
            ),
            "Cross-Origin-Resource-Policy": "same-origin",
        }

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        for name, value in self.headers.items():
            response.headers.setdefault(name, value)
        return response


class ProblemMiddleware:
    """Around all that may refuse: machines get a problem, even where Django itself refuses."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _from_machine(request):
            return response
        if request.path_info.startswith(SCIM):
            return as_error(response)
        found = as_problem(response)
        return as_line(found) if wants_line(request) else found


class FormMiddleware(CsrfViewMiddleware):
    """Forms come from our own pages; machines have no session that another site could use."""

    def process_view(
        self,
        request: HttpRequest,
        callback: View,
        callback_args: tuple[object, ...],
        callback_kwargs: dict[str, object],
    ) -> HttpResponseForbidden | None:
        if _from_machine(request):
            return None
        return super().process_view(request, callback, callback_args, callback_kwargs)


class RefusalMiddleware:
    """Refused -> its error page or problem; every page varies by htmx."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if not _from_machine(request):
            patch_vary_headers(response, ["HX-Request"])
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if request.path_info.startswith(SCIM):
            return error_of(exception)
        if _from_machine(request) and isinstance(exception, (Refused, *AWAY)):
            return problem_of(exception)
        return refused(request, exception) if isinstance(exception, Refused) else None


class SignInMiddleware(LoginRequiredMiddleware):
    """Every page needs a sign-in; the API has bearer tokens of its own and no sessions at all."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: View,
        view_args: tuple[object, ...],
        view_kwargs: dict[str, object],
    ) -> HttpResponseBase | None:
        if _from_machine(request):
            return None
        return super().process_view(request, view_func, view_args, view_kwargs)
