"""The one assertion of a response, as its signature proves it."""

from collections.abc import Sequence

from portal.saml.extra import saml_available
from portal.saml.xml import ASSERTION, SIGNATURE, Element, SamlFailed, alone, only

if saml_available():
    from lxml import etree
    from signxml.algorithms import DigestAlgorithm, SignatureMethod
    from signxml.exceptions import SignXMLException
    from signxml.verifier import SignatureConfiguration, XMLVerifier

    _WAY = SignatureConfiguration(
        location="./",
        expect_references=1,
        signature_methods=frozenset(
            {
                SignatureMethod.RSA_SHA256,
                SignatureMethod.RSA_SHA384,
                SignatureMethod.RSA_SHA512,
                SignatureMethod.ECDSA_SHA256,
                SignatureMethod.ECDSA_SHA384,
                SignatureMethod.ECDSA_SHA512,
            }
        ),
        digest_algorithms=frozenset(
            {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}
        ),
    )

_TRANSFORMS = {
    "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
    "http://www.w3.org/2001/10/xml-exc-c14n#",
}


def signed_assertion(response: Element, certificates: Sequence[str]) -> Element:
    """What was signed and nothing else, read anew from the very bytes that the signature covers.

    A signature of the response around it does not count. `certificates` are PEM, one of them
    signed. Raises SamlFailed.
    """
    if next(response.iter(f"{ASSERTION}EncryptedAssertion"), None) is not None:
        raise SamlFailed("its assertion is encrypted, which this portal cannot read")
    found = list(response.iter(f"{ASSERTION}Assertion"))
    if len(found) != 1 or found[0].getparent() is not response:
        raise SamlFailed("its answer needs one assertion, in its place")
    assertion = alone(found[0])
    _check_shape(assertion)
    for certificate in certificates:
        signed = _verified(assertion, certificate)
        if signed is not None:
            return signed
    raise SamlFailed("the signature of its assertion is not valid here")


def _check_shape(assertion: Element) -> None:
    """One signature, of this assertion as a whole, and no way to leave something out of it."""
    signatures = list(assertion.iter(f"{SIGNATURE}Signature"))
    if not signatures:
        raise SamlFailed("its assertion is not signed")
    if len(signatures) > 1 or signatures[0].getparent() is not assertion:
        raise SamlFailed("its assertion needs one signature, in its place")
    reference = only(only(signatures[0], f"{SIGNATURE}SignedInfo"), f"{SIGNATURE}Reference")
    if not assertion.get("ID") or reference.get("URI") != f"#{assertion.get('ID')}":
        raise SamlFailed("its signature is of something else")
    transforms = {one.get("Algorithm") for one in reference.iter(f"{SIGNATURE}Transform")}
    if transforms != _TRANSFORMS:
        raise SamlFailed("its signature leaves something out")


def _verified(assertion: Element, certificate: str) -> Element | None:
    try:
        result = XMLVerifier().verify(
            assertion, x509_cert=certificate, id_attribute="ID", expect_config=_WAY
        )
    except (SignXMLException, etree.LxmlError, ValueError, TypeError, LookupError):
        return None
    signed = None if isinstance(result, list) else result.signed_xml
    if signed is None or signed.tag != assertion.tag or signed.get("ID") != assertion.get("ID"):
        return None
    return signed
