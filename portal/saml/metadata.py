"""Metadata: what a provider says of itself, and what this portal says of itself there."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from portal.saml.xml import (
    METADATA,
    PERSISTENT,
    POST,
    REDIRECT,
    SIGNATURE,
    SamlFailed,
    add,
    make,
    parse,
    text_of,
    write,
)

MOST_CERTIFICATES = 6
_SAML = "urn:oasis:names:tc:SAML:2.0:protocol"
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


@dataclass(frozen=True)
class Known:
    """A provider: its name, where people sign in, and the certificates it signs with, as PEM."""

    issuer: str
    sso_url: str
    certificates: list[str]


def read_metadata(text: str) -> Known:
    """The one provider in a metadata document. Raises SamlFailed."""
    root = parse(text.encode(), comments=True)
    found = [
        (entity, role)
        for entity in root.iter(f"{METADATA}EntityDescriptor")
        for role in entity.findall(f"{METADATA}IDPSSODescriptor")
    ]
    if len(found) != 1:
        raise SamlFailed("its metadata needs one provider (IDPSSODescriptor)")
    entity, role = found[0]
    places = [
        str(one.get("Location"))
        for one in role.findall(f"{METADATA}SingleSignOnService")
        if one.get("Binding") == REDIRECT
    ]
    if not places:
        raise SamlFailed("its metadata has no sign-in by HTTP-Redirect")
    keys = [
        text_of(certificate)
        for key in role.findall(f"{METADATA}KeyDescriptor")
        if key.get("use", "signing") == "signing"
        for certificate in key.iter(f"{SIGNATURE}X509Certificate")
    ]
    pems = [f"{_BEGIN}\n{key}\n{_END}" for key in dict.fromkeys(keys)]
    return Known(str(entity.get("entityID")), places[0], read_certificates("\n".join(pems)))


def read_certificates(text: str) -> list[str]:
    """The certificates in a text, as PEM. Raises SamlFailed for one that signs nothing here."""
    if _BEGIN not in text:
        raise SamlFailed("it needs a certificate to sign with")
    parts = [part.partition(_END)[0] for part in text.split(_BEGIN)[1:]]
    if len(parts) > MOST_CERTIFICATES:
        raise SamlFailed(f"it may have {MOST_CERTIFICATES} certificates at most")
    return [_certificate(part).public_bytes(Encoding.PEM).decode() for part in parts]


def _certificate(encoded: str) -> x509.Certificate:
    try:
        found = x509.load_der_x509_certificate(b64decode("".join(encoded.split()), validate=True))
        key = found.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SamlFailed("its certificate is not to be understood") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
        return found
    if isinstance(key, ec.EllipticCurvePublicKey):
        return found
    raise SamlFailed("its certificate needs an RSA key of 2048 bits or more, or an elliptic one")


def fingerprint(certificate: str) -> str:
    """By which people compare a PEM certificate: SHA-256, in hexadecimal digits."""
    return x509.load_pem_x509_certificate(certificate.encode()).fingerprint(SHA256()).hex()


def usable_until(certificates: Sequence[str]) -> str:
    """The day, in UTC, on which the last of these PEM certificates ends."""
    found = [x509.load_pem_x509_certificate(each.encode()) for each in certificates]
    return max(each.not_valid_after_utc for each in found).date().isoformat()


def own_metadata(entity_id: str, recipient: str) -> bytes:
    """This portal as a service of one provider."""
    root = make(f"{METADATA}EntityDescriptor", entityID=entity_id)
    role = add(
        root,
        f"{METADATA}SPSSODescriptor",
        protocolSupportEnumeration=_SAML,
        AuthnRequestsSigned="false",
        WantAssertionsSigned="true",
    )
    add(role, f"{METADATA}NameIDFormat", PERSISTENT)
    add(
        role,
        f"{METADATA}AssertionConsumerService",
        Binding=POST,
        Location=recipient,
        index="0",
        isDefault="true",
    )
    return write(root)
