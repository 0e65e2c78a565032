"""Signing in through a SAML provider, with one of npm on loopback."""

import json
import zlib
from base64 import b64decode, b64encode
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.accounts.models import User
from portal.accounts.people import deactivate_person
from portal.directory.models import Membership
from portal.oidc.archive import archive_provider
from portal.oidc.confirm import confirming_providers
from portal.oidc.links import link_person, unlink_person
from portal.oidc.rules import add_rule
from portal.oidc.saml_providers import change_saml_provider
from portal.saml.extra import saml_available
from tests.integration.company import entries
from tests.integration.pages import text
from tests.integration.saml.conftest import begin, bring, sign_in, there
from tests.saml import Signer

pytestmark = pytest.mark.xdist_group("saml")
SUBJECT = "olga-there"


@pytest.fixture
def link(company, provider):
    return link_person(by=company.ada, provider=provider, person=company.olga, subject=SUBJECT)


def signed_in(visitor):
    return visitor.session.get("_auth_user_id")


def groups_of(person):
    return sorted((m.group.name, m.source) for m in Membership.objects.filter(person=person))


def last(event):
    return json.loads(entries(event)[-1])


def test_a_linked_account_signs_in_as_its_person(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT, email="vera@example.com", preferred_username="vera")
    path, fields = there(elsewhere, begin(visitor, provider, next="/projects/"))
    planted = visitor.session.session_key
    answer = bring(visitor, path, fields)
    assert visitor.session.session_key != planted
    assert (answer.status_code, answer["Location"]) == (302, "/projects/")
    assert signed_in(visitor) == str(company.olga.pk)
    entry = last("sign_in.succeeded")
    assert entry["actor"]["authn"] == f"saml:{provider.pk}"


def test_a_response_that_is_signed_as_a_whole_too_is_taken(company, provider, elsewhere, visitor,
                                                           link):  # fmt: skip
    elsewhere.is_somebody(SUBJECT, options={"signResponse": True})
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.olga.pk)


def test_what_is_asked_names_this_portal_and_a_name_that_stays(provider, visitor):
    asked = parse_qs(urlsplit(begin(visitor, provider)).query)
    request = zlib.decompress(b64decode(asked["SAMLRequest"][0]), -15).decode()
    assert f"/account/provider/{provider.pk}/acs" in request
    assert provider.client_id in request and "nameid-format:persistent" in request


def test_an_account_is_nobody_here_whatever_it_says(company, provider, elsewhere, visitor):
    elsewhere.is_somebody(
        "stranger", preferred_username="vera", sub="olga-there", email="v@x.example"
    )
    link_person(by=company.ada, provider=provider, person=company.olga, subject=SUBJECT)
    answer = sign_in(visitor, provider, elsewhere)
    assert answer.status_code == 403
    assert 'value="stranger"' in answer.content.decode()
    assert signed_in(visitor) is None
    assert last("sign_in.failed")["object"]["reason"] == "not-linked"


def test_groups_give_memberships_and_take_them_away(company, provider, elsewhere, visitor, link):
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    elsewhere.is_somebody(SUBJECT, groups=["leads", "others"])
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == [("leads", f"saml:{provider.pk}")]
    elsewhere.is_somebody(SUBJECT)
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == []


def test_a_provider_that_adds_people_makes_one_of_each_account(
    company, provider, elsewhere, visitor
):
    settings = {"metadata": elsewhere.metadata(), "adds_people": True}
    change_saml_provider(by=company.ada, provider=provider, **settings)
    given = {"preferred_username": "nora", "name": "Nora New", "email": "vera@example.com"}
    elsewhere.is_somebody("nora-there", **given)
    for _ in range(2):
        sign_in(visitor, provider, elsewhere)
    nora = User.objects.get(username="nora")
    assert (nora.name, nora.email, nora.has_usable_password()) == ("Nora New", "", False)


def test_an_attribute_names_the_account_where_that_was_chosen(
    company, provider, elsewhere, visitor, link
):
    settings = {"metadata": elsewhere.metadata(), "subject_attribute": "uid"}
    change_saml_provider(by=company.ada, provider=provider, **settings)
    mail = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
    elsewhere.is_somebody("changing@example.com", format=mail, uid=SUBJECT)
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.olga.pk)


def test_somebody_deactivated_or_unlinked_is_not_signed_in(
    company, provider, elsewhere, visitor, link
):
    elsewhere.is_somebody(SUBJECT)
    deactivate_person(by=company.ada, person=company.olga)
    assert sign_in(visitor, provider, elsewhere)["Location"] == "/account/inactive/"
    unlink_person(by=company.ada, provider=provider, person=company.olga)
    assert sign_in(visitor, provider, elsewhere).status_code == 403
    assert signed_in(visitor) is None


def test_a_response_is_good_once_and_only_in_the_browser_that_asked(
    company, provider, elsewhere, visitor, client, link
):
    """Neither a stolen, nor a planted, nor a repeated response signs anybody in."""
    elsewhere.is_somebody(SUBJECT)
    path, fields = there(elsewhere, begin(visitor, provider))
    failed = len(entries("sign_in.failed"))
    assert bring(client, path, fields).status_code == 401
    assert len(entries("sign_in.failed")) == failed  # strangers do not fill the ledger
    assert bring(visitor, path, fields).status_code == 302
    visitor.logout()
    assert bring(visitor, path, fields).status_code == 401
    assert signed_in(visitor) is None


def test_a_response_to_another_request_of_this_browser_is_refused(
    company, provider, elsewhere, visitor, link
):
    elsewhere.is_somebody(SUBJECT)
    path, first = there(elsewhere, begin(visitor, provider))
    _path, second = there(elsewhere, begin(visitor, provider))
    answer = bring(visitor, path, {**first, "RelayState": second["RelayState"]})
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert "of another sign-in" in text(answer)
    assert last("sign_in.failed")["object"]["reason"] == "provider-failed"
    assert bring(visitor, path, second).status_code == 401  # a failure uses the request up


def test_nobody_begins_at_the_provider(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT)
    path, fields = there(elsewhere, begin(visitor, provider))
    assert bring(visitor, path, {**fields, "RelayState": ""}).status_code == 401
    assert visitor.get(path).status_code == 405
    assert signed_in(visitor) is None


def test_one_provider_does_not_answer_for_another(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT)
    _path, fields = there(elsewhere, begin(visitor, provider))
    archive_provider(by=company.ada, provider=provider)
    assert visitor.post(_path, {**fields, "again": "1"}).status_code == 404
    assert visitor.post(f"/account/provider/{provider.pk}/login").status_code == 404


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"signAssertion": False}, "is not signed"),
        ({"signAssertion": False, "signResponse": True}, "is not signed"),
        ({"signatureAlgorithm": "rsa-sha1", "digestAlgorithm": "sha1"}, "not valid here"),
        ({"audience": "https://other.example"}, "for another program"),
        ({"recipient": "https://other.example/acs"}, "for another address"),
        ({"issuer": "https://evil.example"}, "of another issuer"),
        ({"lifetimeInSeconds": -120}, "out of date"),
    ],
)
def test_what_the_provider_says_otherwise_signs_nobody_in(
    company, provider, elsewhere, visitor, link, options, words
):
    elsewhere.is_somebody(SUBJECT, options=options)
    answer = sign_in(visitor, provider, elsewhere)
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert words in text(answer)


def test_a_comment_in_a_name_makes_nobody_else_of_it(company, provider, elsewhere, visitor, link):
    """A signature holds with comments put in; the name must not end at one."""
    elsewhere.is_somebody(f"{SUBJECT}.evil")
    path, fields = there(elsewhere, begin(visitor, provider))
    xml = b64decode(fields["SAMLResponse"]).decode()
    xml = xml.replace(f"{SUBJECT}.evil", f"{SUBJECT}<!---->.evil")
    answer = bring(visitor, path, {**fields, "SAMLResponse": b64encode(xml.encode()).decode()})
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert "comments" in text(answer)


def test_a_key_that_was_replaced_signs_nobody_in(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT)
    old = elsewhere.signer
    settings = {"sso_url": f"{elsewhere.issuer}/sso", "certificates": Signer().cert}
    change_saml_provider(by=company.ada, provider=provider, **settings)
    assert "not valid here" in text(sign_in(visitor, provider, elsewhere))
    change_saml_provider(by=company.ada, provider=provider, **settings | {"certificates": old.cert})
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.olga.pk)


def test_what_is_refused_there_is_said_here(provider, elsewhere, visitor):
    assert "signed nobody in (AuthnFailed)" in text(sign_in(visitor, provider, elsewhere))


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_nobody_is_sent_elsewhere_afterwards(provider, elsewhere, visitor, link, place):
    elsewhere.is_somebody(SUBJECT)
    assert sign_in(visitor, provider, elsewhere, next=place)["Location"] == "/"


def test_it_confirms_no_decision(company, provider, link):
    assert confirming_providers(company.olga) == []


def test_without_the_extra_nobody_is_offered_it(provider, visitor, monkeypatch):
    assert "Sign in with Elsewhere" in text(visitor.get("/account/login/"))
    monkeypatch.setattr("portal.oidc.queries.saml_available", lambda: False)
    assert saml_available()
    assert "Sign in with Elsewhere" not in text(visitor.get("/account/login/"))
    for way in ("login", "acs"):
        assert visitor.post(f"/account/provider/{provider.pk}/{way}").status_code == 404
