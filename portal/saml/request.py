"""The address that begins a sign-in: an AuthnRequest by the redirect binding."""

import zlib
from base64 import b64encode
from datetime import datetime
from urllib.parse import urlencode

from portal.saml.xml import ASSERTION, PERSISTENT, POST, PROTOCOL, add, make, write


def sign_in_address(
    sso_url: str,
    *,
    entity_id: str,
    recipient: str,
    request_id: str,
    relay_state: str,
    persistent: bool,
    at: datetime,
) -> str:
    """Where the browser goes. `persistent` asks for a NameID that stays."""
    request = make(
        f"{PROTOCOL}AuthnRequest",
        ID=request_id,
        Version="2.0",
        IssueInstant=at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        Destination=sso_url,
        AssertionConsumerServiceURL=recipient,
        ProtocolBinding=POST,
    )
    add(request, f"{ASSERTION}Issuer", entity_id)
    if persistent:
        add(request, f"{PROTOCOL}NameIDPolicy", Format=PERSISTENT, AllowCreate="true")
    raw = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = b64encode(raw.compress(write(request)) + raw.flush()).decode()
    query = urlencode({"SAMLRequest": packed, "RelayState": relay_state})
    return f"{sso_url}{'&' if '?' in sso_url else '?'}{query}"
