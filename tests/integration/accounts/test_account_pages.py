"""Pages of people, service accounts, project tokens and preferences."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from portal.accounts.authentication import authenticate_token
from portal.accounts.models import ProjectToken, ServiceAccount, User
from portal.accounts.people import deactivate_person
from portal.kernel.clock import now
from portal.kernel.errors import Unauthenticated
from portal.ledger.models import Entry
from tests.integration.company import PASSWORD
from tests.integration.pages import as_, text


def of(account: ServiceAccount, name: str, *more: object) -> str:
    return reverse(name, args=[account.project_id, account.pk, *more])


def token_form(**fields):
    last_day = (now() + timedelta(days=30)).date().isoformat()
    return {"scopes": ["request"], "expires_at": last_day, **fields}


def shown_secret(response) -> str:
    return re.search(r'value="([^"]+)"[^>]*autocomplete="off"', response.content.decode())[1]


def test_people_are_for_administrators(company):
    pages = [reverse("people"), reverse("person-new")]
    pages += [
        reverse(name, args=[company.vera.pk])
        for name in (
            "person", "person-edit", "person-deactivate", "person-reactivate", "person-password",
        )
    ]  # fmt: skip
    for page in pages:
        assert as_(company.max).get(page).status_code == 403
        assert as_(company.ada).get(page).status_code == 200


def test_who_does_not_exist_is_forbidden_too_for_others(company):
    missing = reverse("person", args=[company.shop.pk])
    assert as_(company.max).get(missing).status_code == 403
    assert as_(company.ada).get(missing).status_code == 404


def test_an_administrator_adds_a_person_and_sees_the_password_once(company):
    ada = as_(company.ada)
    answer = ada.post(reverse("person-new"), {"username": "nina", "name": "Nina"})
    nina = User.objects.get(username="nina")
    assert nina.check_password(shown_secret(answer))
    assert "no-store" in answer["Cache-Control"]
    assert "Shown this once" in text(answer)
    assert shown_secret(answer) not in ada.get(reverse("person", args=[nina.pk])).content.decode()
    again = ada.post(reverse("person-new"), {"username": "NINA", "name": "Nina"})
    assert again.status_code == 422
    assert "username" in again.context["form"].errors


def test_an_administrator_changes_deactivates_and_reactivates(company):
    ada, args = as_(company.ada), [company.vera.pk]
    ada.post(reverse("person-edit", args=args), {"username": "vera", "name": "Vera B"})
    assert "signed out at once" in text(ada.get(reverse("person-deactivate", args=args)))
    company.vera.refresh_from_db()
    assert (company.vera.name, company.vera.is_active) == ("Vera B", True)
    vera = as_(company.vera)
    assert vera.get(reverse("projects")).status_code == 200
    ada.post(reverse("person-deactivate", args=args))
    assert vera.get(reverse("projects")).status_code == 302
    ada.post(reverse("person-reactivate", args=args))
    company.vera.refresh_from_db()
    assert company.vera.is_active


def test_a_new_start_password_is_made_only_after_asking(company):
    ada, address = as_(company.ada), reverse("person-password", args=[company.vera.pk])
    old = company.vera.password
    assert "signed out everywhere" in text(ada.get(address))
    company.vera.refresh_from_db()
    assert company.vera.password == old
    secret = shown_secret(ada.post(address))
    company.vera.refresh_from_db()
    assert company.vera.check_password(secret)


def test_a_maintainer_adds_an_account_and_issues_a_token_shown_once(company):
    max_ = as_(company.max)
    new = reverse("service-account-new", args=[company.shop.pk])
    assert 'value="max"' in max_.get(new).content.decode()
    max_.post(new, {"name": "robot", "owner": "vera"})
    robot = ServiceAccount.objects.get(name="robot")
    assert robot.owner == company.vera
    answer = max_.post(of(robot, "token-new"), token_form(environments=[company.production.pk]))
    secret = shown_secret(answer)
    token = authenticate_token(secret)
    assert (token.scopes, token.environment_ids) == (["request"], [company.production.pk])
    assert "no-store" in answer["Cache-Control"]
    page = max_.get(of(robot, "service-account")).content.decode()
    assert secret not in page
    assert token.prefix in page
    assert not any(secret[-64:].encode() in bytes(e.payload) for e in Entry.objects.all())


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["decide"]}, "scopes"),
        ({"expires_at": ""}, "expires_at"),
        ({"expires_at": "2020-01-01"}, "expires_at"),
        ({"expires_at": "9999-12-31"}, "expires_at"),
        ({"environments": ["nonsense"]}, "environments"),
    ],
)
def test_a_token_form_with_faults_comes_back(company, fields, field):
    account = company.account()
    answer = as_(company.max).post(of(account, "token-new"), token_form(**fields))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert not ProjectToken.objects.exists()
    assert as_(company.max).post(of(account, "token-new"), token_form()).status_code == 200


def test_the_last_day_offered_is_accepted(company):
    account, max_ = company.account(), as_(company.max)
    page = max_.get(of(account, "token-new")).content.decode()
    last_day = re.search(r'max="([\d-]+)"', page)[1]
    assert max_.post(
        of(account, "token-new"), token_form(expires_at=last_day)
    ).status_code == 200  # fmt: skip
    assert ProjectToken.objects.exists()


def test_revoking_a_token_asks_first(company):
    account = company.account()
    token, secret = company.token(account=account)
    max_, revoke = as_(company.max), of(account, "token-revoke", token.pk)
    assert "cannot be undone" in text(max_.get(revoke))
    assert authenticate_token(secret)
    max_.post(revoke)
    with pytest.raises(Unauthenticated):
        authenticate_token(secret)
    assert "Revoked" in text(max_.get(of(account, "service-account")))


def test_an_account_is_changed_deactivated_and_reactivated(company):
    account, max_ = company.account(), as_(company.max)
    max_.post(of(account, "service-account-edit"), {"name": "ci", "owner": "vera"})
    max_.post(of(account, "service-account-deactivate"))
    account.refresh_from_db()
    assert (account.name, account.owner, account.is_active) == ("ci", company.vera, False)
    assert "New token" not in text(max_.get(of(account, "service-account")))
    max_.post(of(account, "service-account-reactivate"))
    account.refresh_from_db()
    assert account.is_active


@pytest.mark.parametrize(
    "name",
    ["service-account-edit", "service-account-deactivate", "service-account-reactivate",
     "token-new"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["get", "post"])
def test_only_maintainers_change_accounts(company, name, method):
    account = company.account()
    address = of(account, name)
    assert getattr(as_(company.vera), method)(address).status_code == 403
    assert getattr(as_(company.olga), method)(address).status_code == 404
    assert as_(company.max).get(address).status_code == 200
    account.refresh_from_db()
    assert account.is_active
    assert not ProjectToken.objects.exists()


def test_an_account_or_token_of_another_project_is_not_there(company):
    account = company.account()
    token, _secret = company.token(account=account)
    other = company.account("other")
    ada = as_(company.ada)
    assert ada.get(of(account, "service-account")).status_code == 200
    mixed = reverse("service-account", args=[company.bank.pk, account.pk])
    assert ada.get(mixed).status_code == 404
    assert ada.get(of(account, "token-revoke", token.pk)).status_code == 200
    assert ada.get(of(other, "token-revoke", token.pk)).status_code == 404


def test_an_account_without_an_active_owner_warns(company):
    account = company.account()
    deactivate_person(by=company.ada, person=company.max)
    page = text(as_(company.vera).get(of(account, "service-account")))
    assert "Its owner is deactivated" in page


def test_preferences_are_saved(company):
    olga, address = as_(company.olga), reverse("preferences")
    assert "Time zone" in text(olga.get(address))
    posted = {"time_zone": "Europe/Lisbon", "theme": "light"}
    assert "Preferences saved" in text(olga.post(address, posted, follow=True))
    company.olga.refresh_from_db()
    assert (company.olga.time_zone, company.olga.single_keys) == ("Europe/Lisbon", False)
    assert olga.post(address, posted | {"time_zone": "Mars/Base"}).status_code == 422


@pytest.mark.parametrize(
    ("wanted", "lands"),
    [("/projects/?page=2", "/projects/?page=2"), ("https://evil.example/", "/settings/"),
     ("//evil.example", "/settings/"), ("", "/settings/")],
)  # fmt: skip
def test_the_menu_changes_the_colours_alone(company, wanted, lands):
    olga = as_(company.olga)
    answer = olga.post(reverse("preferences"), {"theme": "dark", "next": wanted})
    assert (answer.status_code, answer["Location"]) == (302, lands)
    company.olga.refresh_from_db()
    assert (company.olga.theme, company.olga.time_zone) == ("dark", "UTC")
    assert olga.post(reverse("preferences"), {"theme": "pink"}).status_code == 422


def test_account_pages_cost_the_same_however_long(company, django_assert_max_num_queries):
    account = company.account()
    for n in range(8):
        company.token(account=account, environments=[company.production])
        company.person(f"p{n}")
    max_, ada = as_(company.max), as_(company.ada)
    with django_assert_max_num_queries(12):
        max_.get(of(account, "service-account"))
    with django_assert_max_num_queries(8):
        ada.get(reverse("people"))


def test_signing_in_and_out_is_recorded(company, client):
    login = reverse("account_login")
    ref = str(company.vera.actor_ref)
    client.post(login, {"login": "vera", "password": PASSWORD})
    assert ref in bytes(Entry.objects.get(type="sign_in.succeeded").payload).decode()
    client.post(reverse("account_logout"))
    assert ref in bytes(Entry.objects.get(type="sign_out.done").payload).decode()


@pytest.mark.parametrize(
    ("typed", "known"), [("vera", True), ("my-secret-password", False), ("a\0b", False)]
)
def test_a_failed_sign_in_is_recorded_without_what_was_typed(company, client, typed, known):
    login = reverse("account_login")
    answer = client.post(login, {"login": typed, "password": "wrong-secret-word"})
    assert answer.status_code == 200
    assert not Entry.objects.filter(type="sign_in.succeeded").exists()
    for entry in Entry.objects.filter(type="sign_in.failed"):
        payload = bytes(entry.payload).decode()
        assert "wrong-secret-word" not in payload
        assert "my-secret" not in payload
        assert (str(company.vera.actor_ref) in payload) == known
    assert Entry.objects.filter(type="sign_in.failed").exists() or "\0" in typed


def test_changing_ones_own_password_is_recorded(company):
    olga = as_(company.olga)
    new = "a-much-better-passphrase"
    olga.post(
        reverse("account_change_password"),
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )
    company.olga.refresh_from_db()
    assert company.olga.check_password(new)
    entry = Entry.objects.filter(type="person.changed").latest("id")
    assert entry.actor_ref == str(company.olga.actor_ref)
    assert olga.get(reverse("projects")).status_code == 200


def test_nobody_signs_up(client, db):
    signup = reverse("account_signup")
    assert client.get(signup).status_code == 404
    client.post(signup, {"username": "eve", "password1": PASSWORD, "password2": PASSWORD})
    assert not User.objects.filter(username="eve").exists()


def test_who_forgot_the_password_is_told_who_can_help(company):
    """No page sends one by mail, so none is linked."""
    pages = [
        Client().get(reverse("account_login")),
        as_(company.vera).get(reverse("account_change_password")),
    ]
    for page in pages:
        assert "An administrator of this portal can give you a new one" in text(page)
        for name in ("account_reset_password", "account_signup"):
            assert reverse(name) not in page.content.decode()
