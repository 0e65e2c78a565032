"""Passkeys, authenticator apps and recovery codes: adding them, signing in by them, losing them."""

import re
from urllib.parse import unquote

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    format_hotp_value,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from portal.accounts.people import deactivate_person
from tests.integration.company import PASSWORD, entries, last_entry
from tests.integration.pages import as_, text
from tests.passkeys import Passkey

SECURITY = "/settings/security"


@pytest.fixture(autouse=True)
def nothing_counted_yet(db, settings):
    settings.MFA_TOTP_TOLERANCE = 1  # half a minute may end in the middle of a test
    cache.clear()


def sign_in(person) -> Client:
    """A browser in which the right password was typed; whether that was enough is the question."""
    browser = Client()
    browser.post(reverse("account_login"), {"login": person.username, "password": PASSWORD})
    return browser


def is_in(browser) -> bool:
    return browser.get(SECURITY).status_code == 200


def code_of(secret) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def add_app(browser):
    """The secret of the new app, and the recovery codes that were shown."""
    secret = browser.get(reverse("app-add")).context["form"].secret
    answer = browser.post(reverse("app-add"), {"code": code_of(secret)})
    cache.clear()
    return secret, re.findall(r"\b\d{8}\b", text(answer))


def add_passkey(browser, key, **fields):
    options = browser.get(reverse("passkey-add")).context["js_data"]["creation_options"]
    return browser.post(reverse("passkey-add"), {"credential": key.make(options), **fields})


def by_passkey(browser, key, **fields):
    """Sign in by this passkey alone."""
    address = reverse("mfa_login_webauthn")
    options = browser.get(address, headers={"accept": "application/json"}).json()
    return browser.post(address, {"credential": key.use(options["request_options"]), **fields})


def test_a_second_factor_is_asked_for_once_there_is_one(company):
    assert is_in(sign_in(company.vera))
    secret, codes = add_app(sign_in(company.vera))
    assert len(codes) == 10
    browser = sign_in(company.vera)
    assert not is_in(browser)
    stage = reverse("mfa_authenticate")
    assert "One more step" in text(browser.get(stage))
    assert browser.post(stage, {"code": "000000"}).status_code == 200
    assert not is_in(browser)
    assert browser.post(stage, {"code": code_of(secret)}).status_code == 302
    assert is_in(browser)
    assert '"authn":"password+totp"' in last_entry("sign_in.succeeded")
    assert str(company.vera.actor_ref) in last_entry("sign_in.failed")


def test_a_code_counts_once(company):
    secret, _codes = add_app(sign_in(company.vera))
    stage, code = reverse("mfa_authenticate"), code_of(secret)
    first, second = sign_in(company.vera), sign_in(company.vera)
    assert first.post(stage, {"code": code}).status_code == 302
    assert second.post(stage, {"code": code}).status_code == 200
    assert is_in(first)
    assert not is_in(second)


def test_a_recovery_code_signs_in_once(company):
    _secret, codes = add_app(sign_in(company.vera))
    stage = reverse("mfa_authenticate")
    first, second = sign_in(company.vera), sign_in(company.vera)
    assert first.post(stage, {"code": codes[3]}).status_code == 302
    assert second.post(stage, {"code": codes[3]}).status_code == 200
    assert is_in(first)
    assert not is_in(second)
    assert "password+recovery-code" in last_entry("sign_in.succeeded")
    assert "9 codes are left" in text(first.get(SECURITY))


def test_guessing_codes_ends_soon(company):
    secret, _codes = add_app(sign_in(company.vera))
    browser, stage = sign_in(company.vera), reverse("mfa_authenticate")
    for _ in range(5):
        browser.post(stage, {"code": "000000"})
    assert browser.post(stage, {"code": code_of(secret)}).status_code == 200
    assert not is_in(browser)


def test_secrets_are_stored_sealed_and_sealed_anew(company, settings):
    settings.SECRETS_KEY = ["an older key that was used until now 1234"]
    secret, codes = add_app(sign_in(company.vera))
    rows = str(list(Authenticator.objects.values_list("data", flat=True)))
    assert not any(word in rows for word in (secret, *codes))
    settings.SECRETS_KEY = ["the new key that is used from now on 1234", *settings.SECRETS_KEY]
    call_command("reseal")
    settings.SECRETS_KEY = settings.SECRETS_KEY[:1]
    browser = sign_in(company.vera)
    assert browser.post(reverse("mfa_authenticate"), {"code": code_of(secret)}).status_code == 302
    settings.SECRETS_KEY = ["and one that nothing here was sealed with"]
    browser = sign_in(company.vera)
    refused = browser.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert (refused.status_code, is_in(browser)) == (409, False)


def test_a_passkey_signs_in_alone_and_after_the_password(company):
    key = Passkey()
    assert "Recovery codes" in text(add_passkey(sign_in(company.vera), key, name="laptop"))
    browser = Client()
    assert by_passkey(browser, key, next="/projects/").headers["Location"] == "/projects/"
    assert "laptop" in text(browser.get(SECURITY))
    assert '"authn":"passkey"' in last_entry("sign_in.succeeded")
    browser = sign_in(company.vera)
    assert not is_in(browser)
    stage = browser.get(reverse("mfa_authenticate"))
    credential = key.use(stage.context["js_data"]["request_options"])
    assert browser.post(reverse("mfa_authenticate"), {"credential": credential}).status_code == 302
    assert is_in(browser)
    assert '"authn":"password+passkey"' in last_entry("sign_in.succeeded")


def test_a_passkey_that_asked_nobody_for_finger_or_pin_is_refused(company):
    careless = Passkey(verifies=False)
    assert add_passkey(sign_in(company.vera), careless).status_code == 422
    assert not Authenticator.objects.exists()
    key = Passkey()
    add_passkey(sign_in(company.vera), key)
    key.verifies = False
    browser = Client()
    assert by_passkey(browser, key).headers["Location"] == reverse("account_login")
    assert not is_in(browser)
    key.verifies = True
    by_passkey(browser, key)
    assert is_in(browser)


def test_a_passkey_used_at_another_address_is_refused(company):
    key = Passkey()
    add_passkey(sign_in(company.vera), key)
    key.origin = "https://testserver.evil.example"
    browser = Client()
    by_passkey(browser, key)
    assert not is_in(browser)
    assert str(company.vera.actor_ref) not in last_entry("sign_in.failed")


def test_an_answer_to_a_challenge_counts_once(company):
    key = Passkey()
    add_passkey(sign_in(company.vera), key)
    browser, address = Client(), reverse("mfa_login_webauthn")
    options = browser.get(address, headers={"accept": "application/json"}).json()
    answer = key.use(options["request_options"])
    browser.post(address, {"credential": answer})
    assert is_in(browser)
    browser.post(reverse("account_logout"))
    browser.post(address, {"credential": answer})
    assert not is_in(browser)


@pytest.mark.parametrize("credential", ["", "{", "[]", "7", '"a"', "{}", '{"response": 1}',
    '{"id": "a", "rawId": 1, "response": {"clientDataJSON": 1}}', "null",
    '{"id":"AA","rawId":"AA","type":"public-key","response":{"userHandle":"AA"}}'])  # fmt: skip
def test_what_is_no_credential_is_refused_in_words(company, credential):
    browser = Client()
    browser.get(reverse("mfa_login_webauthn"), headers={"accept": "application/json"})
    answer = browser.post(reverse("mfa_login_webauthn"), {"credential": credential})
    assert (answer.status_code, is_in(browser)) == (302, False)
    vera = sign_in(company.vera)
    vera.get(reverse("passkey-add"))
    assert vera.post(reverse("passkey-add"), {"credential": credential}).status_code in (200, 422)
    assert not Authenticator.objects.exists()


def test_who_is_deactivated_has_no_use_of_a_passkey(company):
    key, browser = Passkey(), Client()
    add_passkey(sign_in(company.vera), key)
    deactivate_person(by=company.ada, person=company.vera)
    by_passkey(browser, key)
    assert not is_in(browser)


def test_who_takes_over_an_open_session_changes_nothing_without_the_second_factor(company):
    secret, _codes = add_app(sign_in(company.vera))
    stolen = as_(company.vera)
    factor = Authenticator.objects.get(user=company.vera, type="totp")
    remove = reverse("factor-remove", args=[factor.pk])
    for address in (remove, reverse("passkey-add"), reverse("codes-renew")):
        answer = stolen.post(address)
        asked = unquote(answer.headers["Location"])
        assert asked == f"{reverse('mfa_reauthenticate')}?next={address}"
    stolen.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    assert stolen.post(remove).status_code == 302, "the password is not the second factor"
    assert Authenticator.objects.filter(pk=factor.pk).exists()
    confirm = f"{reverse('mfa_reauthenticate')}?next={remove}"
    assert stolen.post(confirm, {"code": "000000"}).status_code == 422
    assert stolen.post(confirm, {"code": code_of(secret)}).headers["Location"] == remove
    assert Authenticator.objects.filter(pk=factor.pk).exists(), "nothing is done by confirming"
    stolen.post(remove)
    assert not Authenticator.objects.exists(), "the recovery codes went with it"


def test_who_has_no_factor_confirms_by_password(company):
    olga = as_(company.olga)
    asked = olga.get(reverse("app-add"), follow=True)
    assert "Confirm that it is you" in text(asked)
    olga.post(
        f"{reverse('account_reauthenticate')}?next={reverse('app-add')}", {"password": PASSWORD}
    )
    assert "<svg" in olga.get(reverse("app-add")).content.decode()


def test_nobody_removes_the_factor_of_another(company):
    add_app(sign_in(company.vera))
    factor = Authenticator.objects.get(user=company.vera, type="totp")
    remove = reverse("factor-remove", args=[factor.pk])
    assert sign_in(company.olga).post(remove).status_code == 404
    assert Authenticator.objects.filter(pk=factor.pk).exists()


def test_adding_and_removing_is_recorded(company):
    browser = sign_in(company.vera)
    add_app(browser)
    assert ['"factor":"totp"' in e for e in entries("factor.added")] == [True, False]
    assert '"factor":"recovery_codes"' in last_entry("factor.added")
    before = Authenticator.objects.get(type="recovery_codes").data["seed"]
    assert "stop working" in text(browser.get(reverse("codes-renew")))
    browser.post(reverse("codes-renew"))
    assert Authenticator.objects.get(type="recovery_codes").data["seed"] != before
    ada = as_(company.ada)
    address = reverse("person-factors", args=[company.vera.pk])
    assert "password alone signs them in" in text(ada.get(address))
    assert Authenticator.objects.exists()
    ada.post(address)
    assert not Authenticator.objects.exists()
    removed = entries("factor.removed")
    assert len(removed) == 2
    assert all(str(company.ada.actor_ref) in entry for entry in removed)
    assert all(str(company.vera.actor_ref) in entry for entry in removed)
    assert as_(company.ada).post(
        reverse("person-factors", args=[company.ada.pk])
    ).status_code == 403  # fmt: skip
