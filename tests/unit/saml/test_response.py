"""What a SAML response has to be, with every forgery made from one that is good."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from signxml import DigestAlgorithm, SignatureMethod

from portal.saml.response import Expected, proven
from portal.saml.xml import SamlFailed
from tests import saml
from tests.saml import Signer, response, signed, written

AT = datetime.now(UTC)
THEIRS, STRANGE, OLD = Signer(), Signer(), Signer(days=-1)
EXPECTED = Expected(
    issuer="https://login.example.com/saml",
    audience="https://portal.example.com/account/provider/1/metadata",
    recipient="https://portal.example.com/account/provider/1/acs",
    request_id="_request",
    certificates=[STRANGE.cert, THEIRS.cert],
    subject_attribute="",
)
ONLY_THEIRS = replace(EXPECTED, certificates=[THEIRS.cert])
EVIL = written(AT, EXPECTED, id="_evil", name="ada-there")


def attribute(name, *values):
    texts = "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
    return f'<saml:Attribute Name="{name}">{texts}</saml:Attribute>'


def good(signer=THEIRS, how=None, **wanted):
    words = written(AT, EXPECTED, **wanted)
    return response(words, signed(signer, words, **(how or {})))


def refused(encoded, words, expected=ONLY_THEIRS):
    with pytest.raises(SamlFailed, match=words):
        proven(encoded, expected, AT)


def test_a_good_response_says_who_it_is_and_what_they_have():
    given = attribute("groups", "leads", "ops") + attribute("groups", "all") + attribute("x")
    said = proven(good(attributes=given), EXPECTED, AT)
    assert said.subject == "olga-there"
    assert said.attributes == {"groups": ["leads", "ops", "all"], "x": []}


@pytest.mark.parametrize(
    "wanted",
    [
        {"ends": -50, "confirmed_until": -50},
        {"begins": 50, "now": 50},
        {"qualifier": f' NameQualifier="{EXPECTED.issuer}"'},
        {"qualifier": f' SPNameQualifier="{EXPECTED.audience}"'},
        {"condition": "<saml:OneTimeUse/>"},
        {"how": {"signature_algorithm": SignatureMethod.RSA_SHA512}},
    ],
)
def test_what_may_differ_does(wanted):
    assert proven(good(**wanted), ONLY_THEIRS, AT).subject == "olga-there"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"issuer": "https://evil.example"}, "of another issuer"),
        ({"audience": "https://other.example"}, "for another program"),
        ({"recipient": "https://other.example"}, "for another address"),
        ({"destination": "https://other.example"}, "for another address"),
        ({"request": "_another"}, "of another sign-in"),
        ({"request": ""}, "of another sign-in"),
        ({"ends": -90}, "out of date"),
        ({"confirmed_until": -90}, "out of date"),
        ({"confirmed_until": "soon"}, "a time that is none"),
        ({"begins": 90}, "does not count yet"),
        ({"now": 90}, "does not count yet"),
        ({"format": "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"}, "not persistent"),
        ({"qualifier": ' NameQualifier="https://evil.example"'}, "somebody of another provider"),
        ({"qualifier": ' SPNameQualifier="other"'}, "somebody of another provider"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"}, "nobody to bring"),
        ({"condition": "<saml:Unheard/>"}, "a condition that is unknown"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Requester"}, r"nobody in \(Requester\)"),
        ({"signer": STRANGE}, "signature of its assertion is not valid"),
    ],
)
def test_what_is_signed_but_not_for_this_sign_in_is_refused(wanted, words):
    refused(good(**wanted), words)


def test_another_request_is_refused_inside_the_assertion_too():
    inside = signed(THEIRS, written(AT, EXPECTED, request="_another"))
    refused(response(written(AT, EXPECTED), inside), "of another sign-in")


def test_a_certificate_that_has_ended_signs_nothing():
    refused(good(OLD), "not valid here", replace(EXPECTED, certificates=[OLD.cert]))


@pytest.mark.parametrize(
    "how",
    [
        {"signature_algorithm": SignatureMethod.RSA_SHA224},
        {"digest_algorithm": DigestAlgorithm.SHA224},
    ],
)
def test_weak_ways_to_sign_are_refused(how):
    refused(good(how=how), "not valid here")


def test_an_assertion_that_is_not_signed_is_refused():
    words = written(AT, EXPECTED)
    refused(response(words, saml.ASSERTION.format(signature="", **words)), "not signed")


def test_what_was_changed_after_signing_is_refused():
    words = written(AT, EXPECTED)
    for mine, theirs in (("olga-there", "ada-there"), (EXPECTED.audience, "other")):
        changed = signed(THEIRS, words).replace(mine, theirs)
        refused(response(words, changed), "not valid here")


def wrapped():
    """The ways to show one assertion and have another one verified."""
    words = written(AT, EXPECTED)
    original = signed(THEIRS, words)
    begin, end = original.index("<ds:Signature"), original.index("</ds:Signature>") + 15
    signature, bare = original[begin:end], original[:begin] + original[end:]
    evil = saml.ASSERTION.format(signature="", **EVIL)
    carrying = saml.ASSERTION.format(signature=signature, **EVIL)
    same = saml.ASSERTION.format(signature=signature, **{**EVIL, "id": words["id"]})
    inside = signature.replace("</ds:Signature>", f"<ds:Object>{bare}</ds:Object></ds:Signature>")
    yield "the evil one before it", evil + original
    yield "the evil one after it", original + evil
    yield "around it", evil.replace("<saml:Subject>", f"{original}<saml:Subject>", 1)
    yield "its signature moved", carrying + bare
    yield "its signature moved, alone", carrying
    yield "the same ID, moved", same
    yield "the same ID, twice", same + bare
    yield "in the signature", saml.ASSERTION.format(signature=inside, **EVIL)
    yield "in an extension", f"<samlp:Extensions>{original}</samlp:Extensions>{evil}"
    yield "in an extension, alone", f"<samlp:Extensions>{original}</samlp:Extensions>"


WRAPPED = dict(wrapped())


@pytest.mark.parametrize("what", WRAPPED)
def test_a_signature_that_is_wrapped_proves_nothing(what):
    """Only what the signature covers is read, and there is no second assertion beside it."""
    encoded = response(written(AT, EXPECTED), WRAPPED[what])
    refused(encoded, "one assertion|of something else|not valid")


def test_a_signature_of_the_response_does_not_count():
    words = written(AT, EXPECTED)
    around = signed(THEIRS, words).replace("saml:Assertion", "samlp:Response")
    bare = saml.ASSERTION.format(signature="", **words)
    begin = around.index("<ds:Signature")
    signature = around[begin : around.index("</ds:Signature>") + 15]
    refused(response(words, signature + bare), "not signed")


@pytest.mark.parametrize("part", ["<!-- -->", "<?x y?>"])
def test_a_name_in_two_parts_is_refused(part):
    """A comment in a NameID does not undo the signature, but may hide the rest of the name."""
    refused(good(name=f"ada-there{part}.evil"), "not allowed")
    changed = signed(THEIRS, EVIL).replace("ada-there", f"ada{part}-there")
    refused(response(EVIL, changed), "not allowed")


def test_a_name_with_something_in_it_is_nobody():
    assert proven(good(name="<saml:b/>ada-there"), ONLY_THEIRS, AT).subject == ""


@pytest.mark.parametrize(
    "document",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
        '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><x/>',
        '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>',
        "<!DOCTYPE x><x/>",
    ],
)
def test_a_document_type_is_refused_before_anything_is_read(document):
    refused(b64encode(document.encode()).decode(), "a document type")
    refused(b64encode(document.encode("utf-16")).decode(), "a document type")


@pytest.mark.parametrize(
    "encoded", ["", "!", "é", b64encode(b"<x").decode(), "QUFB" * 99_000], ids=range(5)
)
def test_what_is_no_response_is_refused(encoded):
    refused(encoded, "not to be understood|too large")
    refused(b64encode(b"<x/>").decode(), "no response")


def test_an_encrypted_assertion_is_refused():
    inside = '<EncryptedAssertion xmlns="urn:oasis:names:tc:SAML:2.0:assertion"/>'
    refused(response(written(AT, EXPECTED), inside), "encrypted")


def test_an_attribute_names_the_account_where_it_was_chosen():
    expected = replace(ONLY_THEIRS, subject_attribute="uid")
    assert proven(good(attributes=attribute("uid", "o-1")), expected, AT).subject == "o-1"
    refused(good(), "needs one value", expected)
    refused(good(attributes=attribute("uid", "o-1", "o-2")), "needs one value", expected)
