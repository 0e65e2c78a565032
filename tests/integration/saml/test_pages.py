"""Pages of SAML providers, as administrators use them."""

import json

import pytest

from portal.kernel.errors import Conflict, Forbidden
from portal.oidc.models import SignInProvider
from portal.oidc.saml_providers import create_saml_provider
from tests.integration.company import entries
from tests.integration.pages import as_, text
from tests.saml import Signer, metadata

ISSUER = "https://login.example.com/saml"
ONE, TWO = Signer(), Signer(days=-1)
FORM = {"name": "Company", "metadata": metadata(ISSUER, ONE.cert), "groups_claim": "groups"}
PARTS = {
    "name": "Company",
    "issuer": ISSUER,
    "sso_url": f"{ISSUER}/sso",
    "certificates": ONE.cert,
    "groups_claim": "groups",
}


@pytest.fixture
def made(company):
    return create_saml_provider(by=company.ada, **FORM)


@pytest.fixture
def ada(company):
    return as_(company.ada)


@pytest.mark.parametrize("form", [FORM, PARTS], ids=["metadata", "parts"])
def test_a_provider_is_added_and_says_what_to_register_there(ada, form):
    answer = ada.post("/people/providers/new-saml", form, follow=True)
    made = SignInProvider.objects.get()
    assert made.configuration == {"sso_url": f"{ISSUER}/sso", "certificates": [ONE.cert]}
    shown = text(answer)
    assert f"/account/provider/{made.pk}/acs" in shown and "Not checked yet" in shown
    assert "second factor at a decision" not in shown
    entry = json.loads(entries("sign_in_provider.created")[-1])["change"]["after"]
    assert entry["issuer"] == ISSUER and len(entry["certificates"][0]) == 64
    assert ISSUER in text(ada.get("/people/providers/"))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"issuer": ""}, "issuer"),
        ({"certificates": "none"}, "certificates"),
        ({"sso_url": "http://login.example.com/sso"}, "sso_url"),
        ({"sso_url": ""}, "sso_url"),
        ({"name": ""}, "name"),
        ({"metadata": "<x/>"}, "metadata"),
    ],
)
def test_what_cannot_work_is_said_beside_its_field(ada, wrong, field):
    answer = ada.post("/people/providers/new-saml", {**PARTS, **wrong})
    assert (answer.status_code, set(answer.context["form"].errors)) == (422, {field})
    assert not SignInProvider.objects.exists()


def test_the_issuer_never_changes_and_a_new_certificate_is_an_entry(ada, made):
    address = f"/people/providers/{made.pk}/edit"
    other = {**FORM, "metadata": metadata("https://evil.example", ONE.cert)}
    assert "another provider" in text(ada.post(address, other))
    both = {**PARTS, "issuer": "https://evil.example", "certificates": ONE.cert + TWO.cert}
    assert ada.post(address, both).status_code == 302
    made.refresh_from_db()
    assert (made.issuer, len(made.configuration["certificates"])) == (ISSUER, 2)
    change = json.loads(entries("sign_in_provider.changed")[-1])["change"]
    assert list(change["after"]) == ["certificates"]
    assert ada.post(address, both).status_code == 302
    assert len(entries("sign_in_provider.changed")) == 1


def test_a_check_lets_people_in_unless_the_certificate_has_ended(company, ada, made):
    assert "People can sign in" in text(ada.post(f"/people/providers/{made.pk}/check", follow=True))
    made.refresh_from_db()
    assert made.checked_at
    ended = {**PARTS, "name": "Old", "certificates": TWO.cert}
    old = create_saml_provider(by=company.ada, **ended)
    answer = ada.post(f"/people/providers/{old.pk}/check", follow=True)
    assert "its certificates have expired" in text(answer)


def test_the_metadata_of_this_portal_is_for_everybody(client, made):
    answer = client.get(f"/account/provider/{made.pk}/metadata")
    assert answer["Content-Type"] == "application/samlmetadata+xml"
    assert f"/account/provider/{made.pk}/acs" in answer.content.decode()


def test_only_administrators_set_one_up(company):
    with pytest.raises(Forbidden):
        create_saml_provider(by=company.gus, **FORM)


def test_without_the_extra_the_pages_say_so_and_offer_nothing(company, ada, made, monkeypatch):
    for module in ("queries", "saml_providers", "views.saml", "views.providers"):
        monkeypatch.setattr(f"portal.oidc.{module}.saml_available", lambda: False)
    shown = text(ada.get("/people/providers/"))
    assert "not installed here" in shown and "New SAML provider" not in shown
    shown = text(ada.get(f"/people/providers/{made.pk}"))
    assert "not installed here" in shown
    assert ada.get("/people/providers/new-saml").status_code == 404
    assert ada.get(f"/account/provider/{made.pk}/metadata").status_code == 404
    with pytest.raises(Conflict, match="not installed"):
        create_saml_provider(by=company.ada, **{**FORM, "name": "Other"})
