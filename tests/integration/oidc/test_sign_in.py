"""Signing in through a provider, with a certified one on loopback."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from portal.access import Capability, grant_role, holds
from portal.access.models import RoleGrant
from portal.accounts.erase import forget
from portal.accounts.models import User
from portal.accounts.people import change_person, deactivate_person
from portal.directory.groups import add_member
from portal.directory.models import Membership
from portal.kernel.clock import now
from portal.kernel.errors import Conflict
from portal.ledger.models import Entry
from portal.oidc.archive import archive_provider
from portal.oidc.ask import ProviderFailed, keys
from portal.oidc.links import link_person, unlink_person
from portal.oidc.providers import change_provider, check_provider
from portal.oidc.rules import add_rule, remove_rule
from tests.integration.company import entries
from tests.integration.oidc.conftest import begin, sign_in, there
from tests.integration.pages import text

pytestmark = pytest.mark.xdist_group("oidc")
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
    back = there(elsewhere, begin(visitor, provider, next="/projects/"))
    planted = visitor.session.session_key
    answer = visitor.get(back)
    assert visitor.session.session_key != planted
    assert (answer.status_code, answer["Location"]) == (302, "/projects/")
    assert signed_in(visitor) == str(company.olga.pk)
    entry = last("sign_in.succeeded")
    assert entry["actor"]["authn"] == f"oidc:{provider.pk}"
    assert entry["object"]["id"] == str(company.olga.actor_ref)


def test_an_account_is_nobody_here_whatever_name_and_address_it_has(
    company, provider, elsewhere, visitor
):
    change_person(by=company.ada, person=company.vera, email="vera@example.com")
    elsewhere.is_somebody(
        "stranger", email="vera@example.com", email_verified=True, preferred_username="vera"
    )
    answer = sign_in(visitor, provider, elsewhere)
    assert answer.status_code == 403
    assert 'value="stranger"' in answer.content.decode()
    assert signed_in(visitor) is None
    assert last("sign_in.failed")["object"]["reason"] == "not-linked"
    assert User.objects.count() == 5


def test_somebody_deactivated_is_not_signed_in_and_gets_nothing(
    company, provider, elsewhere, visitor, link
):
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    deactivate_person(by=company.ada, person=company.olga)
    elsewhere.is_somebody(SUBJECT, groups=["leads"])
    answer = sign_in(visitor, provider, elsewhere)
    assert answer["Location"] == "/account/inactive/"
    assert signed_in(visitor) is None
    assert groups_of(company.olga) == []


def test_an_account_that_was_unlinked_is_nobody_again(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT)
    unlink_person(by=company.ada, provider=provider, person=company.olga)
    assert sign_in(visitor, provider, elsewhere).status_code == 403


def test_groups_give_memberships_and_roles_and_take_them_away(
    company, provider, elsewhere, visitor, link
):
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    add_rule(
        by=company.ada, provider=provider, value="ops", project=company.shop, role="maintainer"
    )
    elsewhere.is_somebody(SUBJECT, groups=["leads", "ops", "others"])
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == [("leads", provider.source)]
    assert holds(company.olga, Capability.MAINTAIN, company.shop)
    assert last("member.added")["object"]["source"] == provider.source
    assert last("role.granted")["actor"]["kind"] == "system"
    elsewhere.is_somebody(SUBJECT, groups=["others"])
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == []
    assert not holds(company.olga, Capability.VIEW, company.shop)
    assert last("member.removed")["object"]["person"] == str(company.olga.actor_ref)
    assert last("role.revoked")["object"]["source"] == provider.source


def test_what_claims_give_comes_whole_or_not_at_all(
    company, provider, elsewhere, visitor, link, monkeypatch
):
    add_rule(by=company.ada, provider=provider, value="ops", project=company.shop, role="viewer")
    elsewhere.is_somebody(SUBJECT, groups=["ops"])

    def full(**given):
        assert holds(company.olga, Capability.VIEW, company.shop)
        raise Conflict("Nobody can be added now.")

    monkeypatch.setattr("portal.oidc.mapping.set_sourced_memberships", full)
    assert sign_in(visitor, provider, elsewhere).status_code == 403
    assert signed_in(visitor) is None
    assert not holds(company.olga, Capability.VIEW, company.shop)
    assert "role.granted" not in {entry.type for entry in Entry.objects.order_by("-id")[:3]}


def test_a_claim_that_is_missing_gives_nothing(company, provider, elsewhere, visitor, link):
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    elsewhere.is_somebody(SUBJECT, groups=["leads"])
    sign_in(visitor, provider, elsewhere)
    elsewhere.is_somebody(SUBJECT)
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == []


def test_what_was_given_by_hand_stays(company, provider, elsewhere, visitor, link):
    rule = add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    role = {"by": company.ada, "to": company.olga, "role": "viewer", "target": company.shop}
    add_rule(by=company.ada, provider=provider, value="leads", project=company.shop, role="viewer")
    elsewhere.is_somebody(SUBJECT, groups=["leads"])
    sign_in(visitor, provider, elsewhere)
    add_member(by=company.gus, group=company.leads, person=company.olga)
    grant_role(**role)
    elsewhere.is_somebody(SUBJECT, groups=[])
    sign_in(visitor, provider, elsewhere)
    remove_rule(by=company.ada, rule=rule)
    assert groups_of(company.olga) == [("leads", "")]
    assert RoleGrant.objects.get(person=company.olga).source == ""


def test_a_rule_gives_nothing_to_whoever_wrote_it(company, provider, elsewhere, visitor):
    """C9: an administrator cannot make themselves an approver by way of a claim."""
    link_person(by=company.ada, provider=provider, person=company.ada, subject="ada-there")
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    elsewhere.is_somebody("ada-there", groups=["leads"])
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.ada.pk)
    assert groups_of(company.ada) == []


def test_removing_a_rule_takes_away_what_only_it_gave(company, provider, elsewhere, visitor, link):
    rules = [
        add_rule(by=company.ada, provider=provider, value=value, group=company.leads)
        for value in ("leads", "all")
    ]
    elsewhere.is_somebody(SUBJECT, groups=["leads", "all"])
    sign_in(visitor, provider, elsewhere)
    remove_rule(by=company.ada, rule=rules[0])
    assert groups_of(company.olga) == [("leads", provider.source)]
    remove_rule(by=company.ada, rule=rules[1])
    assert groups_of(company.olga) == []


def test_archiving_ends_sign_in_and_what_was_given(company, provider, elsewhere, visitor, link):
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    elsewhere.is_somebody(SUBJECT, groups=["leads"])
    sign_in(visitor, provider, elsewhere)
    back = there(elsewhere, begin(visitor, provider))
    archive_provider(by=company.ada, provider=provider)
    assert groups_of(company.olga) == []
    assert visitor.get(back).status_code == 404
    assert visitor.post(f"/account/provider/{provider.pk}/login").status_code == 404
    provider.refresh_from_db()
    assert provider.secret == ""


def test_a_provider_that_adds_people_makes_one_of_each_account(
    company, provider, elsewhere, visitor
):
    change_provider(by=company.ada, provider=provider, adds_people=True)
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    claims = {"name": "Nora New", "email": "nora@example.com", "groups": ["leads"]}
    elsewhere.is_somebody("nora-there", preferred_username="nora", email_verified=True, **claims)
    for _ in range(2):
        sign_in(visitor, provider, elsewhere)
    nora = User.objects.get(username="nora")
    assert (nora.name, nora.email, nora.has_usable_password()) == (
        "Nora New",
        "nora@example.com",
        False,
    )
    assert groups_of(nora) == [("leads", provider.source)]
    assert last("person.created")["change"]["after"]["source"] == provider.source


@pytest.mark.parametrize("claims", [{"email_verified": False}, {"email": "vera@example.com"}])
def test_an_address_that_is_not_proven_or_is_somebodys_is_left_out(
    company, provider, elsewhere, visitor, claims
):
    """A1: whoever could choose an address could decide on their own change."""
    change_person(by=company.ada, person=company.vera, email="Vera@example.com")
    change_provider(by=company.ada, provider=provider, adds_people=True)
    claims = {"email": "nora@example.com", "email_verified": True, **claims}
    elsewhere.is_somebody("nora-there", preferred_username="nora", name="Nora", **claims)
    sign_in(visitor, provider, elsewhere)
    assert User.objects.get(username="nora").email == ""


@pytest.mark.parametrize("username", ["vera", "VERA", "", "no spaces"])
def test_a_sign_in_name_that_cannot_be_adds_nobody(company, provider, elsewhere, visitor, username):
    change_provider(by=company.ada, provider=provider, adds_people=True)
    elsewhere.is_somebody("nora-there", preferred_username=username, name="Nora")
    assert sign_in(visitor, provider, elsewhere).status_code == 403
    assert (signed_in(visitor), User.objects.count()) == (None, 5)


def test_claims_are_taken_from_the_id_token_too(company, provider, elsewhere, visitor, link):
    elsewhere.told(inIdToken=True, method="client_secret_post")
    add_rule(by=company.ada, provider=provider, value="leads", group=company.leads)
    elsewhere.is_somebody(SUBJECT, groups=["leads"])
    provider.configuration["userinfo_endpoint"] = "http://127.0.0.1:1/not-asked"
    provider.save()
    sign_in(visitor, provider, elsewhere)
    assert groups_of(company.olga) == [("leads", provider.source)]


def test_an_answer_about_somebody_else_signs_nobody_in(
    company, provider, elsewhere, visitor, link, monkeypatch
):
    elsewhere.is_somebody(SUBJECT)
    other = {"sub": "somebody-else", "groups": ["leads"]}
    monkeypatch.setattr("portal.oidc.exchange.userinfo", lambda provider, token: other)
    answer = sign_in(visitor, provider, elsewhere)
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert "two different people" in text(answer)


def test_who_is_erased_has_no_account_elsewhere_any_more(company, provider, link):
    forget(company.olga, now())
    assert not company.olga.socialaccount_set.exists()


def test_a_secret_goes_by_basic_authentication_where_nothing_else_is_taken(
    company, provider, elsewhere, visitor, link
):
    elsewhere.told(method="client_secret_basic")
    provider = check_provider(by=company.ada, provider=provider)
    elsewhere.is_somebody(SUBJECT)
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.olga.pk)


def test_new_keys_of_the_provider_count_at_once(company, provider, elsewhere, visitor, link):
    elsewhere.is_somebody(SUBJECT)
    elsewhere.told(rotate=True)
    sign_in(visitor, provider, elsewhere)
    assert signed_in(visitor) == str(company.olga.pk)


def test_a_key_that_the_provider_does_not_list_signs_nobody_in(
    company, provider, elsewhere, visitor, link, monkeypatch
):
    elsewhere.is_somebody(SUBJECT)
    old = keys(provider)
    elsewhere.told(rotate=True)
    monkeypatch.setattr("portal.oidc.exchange.keys", lambda provider: old)
    answer = sign_in(visitor, provider, elsewhere)
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert "its ID token is not valid here" in text(answer)


def test_a_provider_that_is_out_says_so_and_passwords_still_work(
    company, provider, elsewhere, visitor, link
):
    elsewhere.is_somebody(SUBJECT)
    back = there(elsewhere, begin(visitor, provider))
    provider.configuration["token_endpoint"] = "http://127.0.0.1:1/token"
    provider.save()
    answer = visitor.get(back)
    assert (answer.status_code, signed_in(visitor)) == (401, None)
    assert "nothing answers at its address" in text(answer)
    assert last("sign_in.failed")["object"]["reason"] == "provider-failed"
    assert "Sign in with Elsewhere" in text(visitor.get("/account/login/"))


def test_cancelling_there_is_said_here(provider, elsewhere, visitor):
    elsewhere.is_somebody("")
    answer = sign_in(visitor, provider, elsewhere)
    assert "cancelled" in text(answer)
    assert signed_in(visitor) is None


def test_a_code_is_good_once_and_only_in_the_browser_that_began(
    company, provider, elsewhere, visitor, link, client
):
    """Neither a stolen nor a planted code signs anybody in."""
    elsewhere.is_somebody(SUBJECT)
    back = there(elsewhere, begin(visitor, provider))
    failed = len(entries("sign_in.failed"))
    assert client.get(back).status_code == 401
    assert len(entries("sign_in.failed")) == failed  # strangers do not fill the ledger
    assert visitor.get(back).status_code == 302
    visitor.logout()
    assert visitor.get(back).status_code == 401
    assert signed_in(visitor) is None


@pytest.mark.parametrize("method", ["head", "post"])
def test_only_a_get_comes_back(provider, elsewhere, visitor, method):
    answer = getattr(visitor, method)(f"/account/provider/{provider.pk}/callback")
    assert answer.status_code == 405


def test_what_the_address_says_is_not_passed_on(company, provider, elsewhere, visitor):
    """Nobody links an account to whoever is signed in, and nobody asks for other scopes."""
    visitor.force_login(company.vera)
    address = f"/account/provider/{provider.pk}/login?process=connect&scope=all&auth_params=a%3Db"
    url = visitor.post(address, {"process": "connect"})["Refresh"]
    asked = parse_qs(urlsplit(url.removeprefix("0; url=")).query)
    assert set(asked["scope"][0].split()) == {"openid", "profile", "email", "groups"}
    assert "a" not in asked
    assert asked["code_challenge_method"] == ["S256"] and asked["nonce"]
    elsewhere.is_somebody("stranger")
    assert visitor.get(there(elsewhere, url.removeprefix("0; url="))).status_code == 403
    assert not company.vera.socialaccount_set.exists()


@pytest.mark.parametrize("place", ["https://evil.example/", "//evil.example", "javascript:1"])
def test_nobody_is_sent_elsewhere_afterwards(provider, elsewhere, visitor, link, place):
    elsewhere.is_somebody(SUBJECT)
    assert sign_in(visitor, provider, elsewhere, next=place)["Location"] == "/"


def test_a_provider_is_offered_once_it_was_checked(company, unchecked, visitor):
    assert "Sign in with Elsewhere" not in text(visitor.get("/account/login/"))
    assert visitor.post(f"/account/provider/{unchecked.pk}/login").status_code == 404
    check_provider(by=company.ada, provider=unchecked)
    assert "Sign in with Elsewhere" in text(visitor.get("/account/login/"))


def test_the_check_tries_the_secret(company, unchecked):
    made = change_provider(by=company.ada, provider=unchecked, secret="wrong")
    with pytest.raises(ProviderFailed, match="refuses the client id or the client secret"):
        check_provider(by=company.ada, provider=made)
    made.refresh_from_db()
    assert made.checked_at is None
