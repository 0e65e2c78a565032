"""How a connection signs in to a system of the monitoring kind: token, password, or nothing."""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from approvals.context.connected import BadSetting, Field
from approvals.context.fetch import Fetch

_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_PLAIN = re.compile(r"[\x21-\x7e]*")

SIGN_IN = (
    Field("user", "User", help="For basic authentication only.", required=False),
    Field(
        "secret",
        "Token or password",
        "secret",
        "A bearer token, or the password of the user. It needs to read, nothing more.",
        required=False,
    ),
    Field("tenant", "Tenant", help="Where the system serves several.", required=False, aside=True),
    Field(
        "tenant_header",
        "Header of the tenant",
        required=False,
        default="X-Scope-OrgID",
        aside=True,
    ),
)


def check_sign_in(settings: Mapping[str, Any]) -> None:
    """Raise BadSetting for what would not go into a header."""
    if ":" in settings["user"]:
        raise BadSetting("user", "A user name has no colon.")
    if not _PLAIN.fullmatch(settings["tenant"]):
        raise BadSetting("tenant", "Use letters, digits and signs without spaces.")
    if settings["tenant"] and not _HEADER.fullmatch(settings["tenant_header"]):
        raise BadSetting("tenant_header", "This is no name of a header.")


def sign_in(fetch: Fetch) -> dict[str, str]:
    """The headers that sign in."""
    user, secret = fetch.settings["user"], fetch.secrets.get("secret")
    headers = {}
    if user:
        pair = b64encode(f"{user}:{secret or ''}".encode()).decode()
        headers["Authorization"] = f"Basic {pair}"
    elif secret:
        headers["Authorization"] = f"Bearer {secret}"
    if fetch.settings["tenant"]:
        headers[fetch.settings["tenant_header"]] = fetch.settings["tenant"]
    return headers
