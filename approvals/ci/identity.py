"""Who calls: the bearer token of a call."""

from django.http import HttpRequest
from ninja.security import HttpBearer

from portal.accounts.authentication import authenticate_token
from portal.accounts.models import ProjectToken
from portal.kernel.errors import Unauthenticated

# A workload identity token can be 10,675 characters long (GitLab, many groups).
MAX_TOKEN = 16_384


def token_of(header: str) -> ProjectToken:
    """The token behind an `Authorization` header. Raises Unauthenticated."""
    scheme, _, secret = header.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("Send the project token as “Authorization: Bearer cst_…”.")
    if len(secret) > MAX_TOKEN or not secret.isascii():
        raise Unauthenticated("This is not a project token.")
    return authenticate_token(secret.strip())


class ProjectTokenAuth(HttpBearer):
    """Bearer authentication as the OpenAPI document describes it."""

    def __call__(self, request: HttpRequest) -> ProjectToken:
        return token_of(request.headers.get("Authorization", ""))

    def authenticate(self, request: HttpRequest, token: str) -> ProjectToken:
        return authenticate_token(token)
