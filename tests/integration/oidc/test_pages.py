"""Pages of sign-in providers, as administrators use them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from portal.directory.models import Membership
from portal.kernel.errors import Conflict, Forbidden, Invalid
from portal.kernel.sealed import unseal
from portal.oidc.links import link_person
from portal.oidc.models import ClaimRule, SignInProvider
from portal.oidc.providers import create_provider
from portal.oidc.rules import add_rule
from tests.integration.company import entries
from tests.integration.pages import as_, text

FORM = {
    "name": "Company",
    "issuer": "https://login.example.com",
    "client_id": "countersign",
    "secret": "s3cret",
    "scopes": "openid email",
    "groups_claim": "groups",
}


@pytest.fixture
def made(company):
    return create_provider(by=company.ada, **FORM)


@pytest.fixture
def ada(company):
    return as_(company.ada)


def test_a_provider_is_added_and_its_secret_is_never_shown(company, ada):
    answer = ada.post("/people/providers/new", FORM, follow=True)
    made = SignInProvider.objects.get()
    assert unseal(made.secret) == "s3cret"
    shown = answer.content.decode()
    assert f"/account/provider/{made.pk}/callback" in shown and "s3cret" not in shown
    assert "s3cret" not in entries("sign_in_provider.created")[0]


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "http://login.example.com"},
        {"issuer": "login.example.com"},
        {"issuer": "https://user:pass@login.example.com"},
        {"issuer": "https://login.example.com?tenant=1"},
        {"scopes": "profile"},
        {"secret": ""},
        {"name": ""},
    ],
)
def test_what_cannot_work_is_said_beside_its_field(ada, wrong):
    answer = ada.post("/people/providers/new", {**FORM, **wrong})
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == set(wrong)
    assert not SignInProvider.objects.exists()


def test_the_name_is_once_among_those_in_use(ada, made):
    assert ada.post("/people/providers/new", FORM).status_code == 422
    ada.post(f"/people/providers/{made.pk}/archive")
    assert ada.post("/people/providers/new", FORM).status_code == 302


def test_the_issuer_never_changes_and_a_secret_that_is_left_out_stays(ada, made):
    other = {**FORM, "issuer": "https://evil.example", "secret": "", "scopes": "openid"}
    assert ada.post(f"/people/providers/{made.pk}/edit", other).status_code == 302
    made.refresh_from_db()
    assert (made.issuer, made.scopes, unseal(made.secret)) == (FORM["issuer"], "openid", "s3cret")
    entry = json.loads(entries("sign_in_provider.changed")[-1])
    assert entry["change"] == {"before": {"scopes": "openid email"}, "after": {"scopes": "openid"}}


def test_a_check_that_fails_says_why_and_changes_nothing(company, ada):
    inside = create_provider(by=company.ada, **{**FORM, "issuer": "https://127.0.0.1"})
    answer = ada.post(f"/people/providers/{inside.pk}/check", follow=True)
    assert "its host is inside this network, which is not allowed" in text(answer)
    inside.refresh_from_db()
    assert inside.checked_at is None


def test_a_secret_is_sealed_anew_with_the_first_key(made, settings):
    old, new = settings.SECRET_KEY, "n" * 40
    settings.SECRETS_KEY = [new, old]
    call_command("reseal", stdout=(out := StringIO()))
    assert "1 sign-in providers resealed" in out.getvalue()
    settings.SECRETS_KEY = [new]
    made.refresh_from_db()
    assert unseal(made.secret) == "s3cret"
    settings.SECRETS_KEY = ["x" * 40]
    with pytest.raises(CommandError, match="Company"):
        call_command("reseal", stdout=out)
    assert len(entries("sign_in_provider.resealed")) == 1


def test_a_rule_is_added_shown_and_removed(company, ada, made):
    address = f"/people/providers/{made.pk}"
    ada.post(f"{address}/rules/new", {"value": "leads", "group": company.leads.pk})
    ada.post(f"{address}/rules/new", {"value": "audit", "role": "auditor"})
    ada.post(
        f"{address}/rules/new",
        {"value": "Ops", "role": "maintainer", "project": company.shop.pk},
    )
    shown = text(ada.get(address))
    for gift in ("member of leads", "Auditor on the whole portal", "Maintainer on shop"):
        assert gift in shown
    rule = made.rules.get(value="Ops")
    ada.post(f"{address}/rules/{rule.pk}/remove")
    assert not made.rules.filter(value="Ops").exists()
    assert [len(entries(f"claim_rule.{what}")) for what in ("added", "removed")] == [3, 1]


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "group"),
        ({"role": "administrator"}, "role"),
        ({"role": "maintainer"}, "role"),
        ({"role": "auditor", "group": "leads"}, "role"),
        ({"role": "viewer", "group": "leads", "project": "shop"}, "project"),
        ({"project": "shop"}, "role"),
    ],
)
def test_a_rule_gives_one_thing_that_there_is(company, made, given, field):
    """Above all no claim makes an administrator: they keep the rules."""
    for name in ("group", "project"):
        if name in given:
            given = {**given, name: {"leads": company.leads, "shop": company.shop}[given[name]]}
    with pytest.raises(Invalid) as refusal:
        add_rule(by=company.ada, provider=made, value="x", **given)
    assert refusal.value.extra["errors"][0]["field"] == field
    assert not ClaimRule.objects.exists()


def test_only_administrators_write_rules_and_link_accounts(company, made):
    with pytest.raises(Forbidden):
        add_rule(by=company.gus, provider=made, value="x", group=company.leads)
    with pytest.raises(Forbidden):
        link_person(by=company.gus, provider=made, person=company.olga, subject="x")


def test_an_account_is_linked_to_one_person_and_a_person_to_one_account(company, ada, made):
    address = f"/people/providers/{made.pk}/links/new"
    assert ada.post(address, {"person": "olga", "subject": " o-1 "}).status_code == 302
    assert "o-1" in text(ada.get(f"/people/providers/{made.pk}"))
    with pytest.raises(Invalid, match="linked to a person already"):
        link_person(by=company.ada, provider=made, person=company.vera, subject="o-1")
    with pytest.raises(Conflict):
        link_person(by=company.ada, provider=made, person=company.olga, subject="o-2")
    assert "o-1" not in "".join(entries("sign_in_link.added"))


def test_a_dry_run_says_what_a_sign_in_would_change_and_changes_nothing(company, ada, made):
    add_rule(by=company.ada, provider=made, value="leads", group=company.leads)
    add_rule(by=company.ada, provider=made, value="ops", project=company.shop, role="viewer")
    address, before = f"/people/providers/{made.pk}/dry-run", Membership.objects.count()
    pasted = json.dumps({"sub": "x", "groups": ["leads", "ops", "other"]})
    answer = ada.post(address, {"person": "olga", "claims": pasted})
    assert "leads member of leads Given" in text(answer)
    assert "ops Viewer on shop Given" in text(answer)
    assert "Not to its author" in text(ada.post(address, {"person": "ada", "claims": pasted}))
    assert "There already" in text(ada.post(address, {"person": "vera", "claims": pasted}))
    assert "never signed in" in text(ada.post(address, {"person": "olga"}))
    assert Membership.objects.count() == before


def test_a_dry_run_says_what_would_be_taken_away(company, ada, made):
    link_person(by=company.ada, provider=made, person=company.olga, subject="o-1")
    Membership.objects.create(group=company.leads, person=company.olga, source=made.source)
    answer = ada.post(f"/people/providers/{made.pk}/dry-run", {"person": "olga"})
    assert "leads Taken away" in text(answer)
    assert "never" in text(ada.get(f"/people/providers/{made.pk}"))


@pytest.mark.parametrize("claims", ["{", "[]", '"x"', "[" * 50_000])
def test_what_is_no_claim_set_is_refused(ada, made, claims):
    answer = ada.post(f"/people/providers/{made.pk}/dry-run", {"claims": claims})
    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["claims"])
