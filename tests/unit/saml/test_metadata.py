"""What is read from the metadata of a provider."""

import pytest

from portal.saml.metadata import own_metadata, read_certificates, read_metadata, usable_until
from portal.saml.xml import SamlFailed
from tests.saml import Signer, metadata

ISSUER = "https://login.example.com/saml"
ONE, TWO = Signer(), Signer()
GOOD = metadata(ISSUER, ONE.cert, TWO.cert)


def test_metadata_says_the_name_the_address_and_the_certificates():
    known = read_metadata(GOOD)
    assert (known.issuer, known.sso_url) == (ISSUER, f"{ISSUER}/sso")
    assert known.certificates == [ONE.cert, TWO.cert]
    assert read_certificates(ONE.cert + "\n" + TWO.cert) == known.certificates
    assert usable_until(known.certificates) > "2026"


BAD = {
    "not to be understood": "",
    "needs one provider": GOOD.replace("IDPSSODescriptor", "SPSSODescriptor"),
    "no sign-in by HTTP-Redirect": GOOD.replace("HTTP-Redirect", "SOAP"),
    "needs a certificate": GOOD.replace('use="signing"', 'use="encryption"'),
    "certificate is not to be": GOOD.replace("<X509Certificate>MI", "<X509Certificate>"),
    "a document type": "<!DOCTYPE a>" + GOOD,
}


@pytest.mark.parametrize("words", BAD)
def test_metadata_that_cannot_be_used_says_why(words):
    with pytest.raises(SamlFailed, match=words):
        read_metadata(BAD[words])


def test_two_providers_in_one_document_are_refused():
    with pytest.raises(SamlFailed, match="one provider"):
        read_metadata(f"<all>{GOOD}{GOOD}</all>")


def test_a_certificate_that_is_named_twice_is_one():
    assert read_metadata(metadata(ISSUER, ONE.cert, ONE.cert)).certificates == [ONE.cert]


def test_too_many_certificates_are_refused():
    with pytest.raises(SamlFailed, match="at most"):
        read_certificates(ONE.cert * 7)


def test_own_metadata_names_where_people_come_back():
    written = own_metadata("https://portal.example.com/m", "https://portal.example.com/acs")
    assert b'Location="https://portal.example.com/acs"' in written
    assert b'WantAssertionsSigned="true"' in written
