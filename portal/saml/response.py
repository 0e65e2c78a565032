"""What the response of one sign-in proves: who it is, and the attributes."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from portal.saml.assertion import (
    Said,
    attributes_of,
    check_conditions,
    check_confirmed,
    read_subject,
)
from portal.saml.signature import signed_assertion
from portal.saml.xml import ASSERTION, PROTOCOL, Element, SamlFailed, only, parse, text_of

_SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"


@dataclass(frozen=True)
class Expected:
    """Of whom, for whom and for which sign-in a response has to be. `subject_attribute` is empty
    where the NameID says who it is; `certificates` are PEM."""

    issuer: str
    audience: str
    recipient: str
    request_id: str
    certificates: Sequence[str]
    subject_attribute: str


def proven(encoded: str, expected: Expected, at: datetime) -> Said:
    """What a `SAMLResponse` says, at the moment `at`. Raises SamlFailed."""
    try:
        response = parse(b64decode("".join(encoded.split()), validate=True))
    except ValueError:
        raise SamlFailed("its answer is not to be understood") from None
    _check_response(response, expected)
    assertion = signed_assertion(response, expected.certificates)
    if assertion.get("Version") != "2.0":
        raise SamlFailed("its assertion is not of SAML 2.0")
    if text_of(only(assertion, f"{ASSERTION}Issuer")) != expected.issuer:
        raise SamlFailed("its assertion is of another issuer")
    check_conditions(assertion, expected.audience, at)
    check_confirmed(assertion, expected.recipient, expected.request_id, at)
    attributes = attributes_of(assertion)
    names = (expected.issuer, expected.audience)
    return Said(read_subject(assertion, attributes, expected.subject_attribute, names), attributes)


def _check_response(response: Element, expected: Expected) -> None:
    """What stands around the assertion is not signed: it can only refuse."""
    if response.tag != f"{PROTOCOL}Response" or response.get("Version") != "2.0":
        raise SamlFailed("its answer is no response of SAML 2.0")
    status = only(only(response, f"{PROTOCOL}Status"), f"{PROTOCOL}StatusCode")
    if status.get("Value") != _SUCCESS:
        inner = status.find(f"{PROTOCOL}StatusCode")
        said = str((status if inner is None else inner).get("Value")).rpartition(":")[2]
        raise SamlFailed(f"it signed nobody in ({said[:60]})")
    if response.get("InResponseTo") != expected.request_id:
        raise SamlFailed("its answer is of another sign-in")
    if response.get("Destination", expected.recipient) != expected.recipient:
        raise SamlFailed("its answer is for another address")
    issuer = response.find(f"{ASSERTION}Issuer")
    if issuer is not None and text_of(issuer) != expected.issuer:
        raise SamlFailed("its answer is of another issuer")
