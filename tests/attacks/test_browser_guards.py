"""What every answer tells the browser not to allow (issue: hardening; no row of ATTACKS)."""

import pytest
from django.conf import settings
from django.test import Client

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery staple"
ADDRESSES = ("/account/login/", "/api/v1/openapi.json", "/healthz", "/nothing-here/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_answer_carries_the_guards(address):
    headers = Client().get(address).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    allowed = dict(one.split("=") for one in headers["Permissions-Policy"].split(", "))
    assert allowed["camera"] == allowed["payment"] == "()"
    assert allowed["publickey-credentials-get"] == "(self)"


def test_a_page_runs_only_what_the_portal_serves_and_stands_in_no_frame():
    policy = Client().get("/account/login/").headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == rules["form-action"] == "'self'"
    assert rules["frame-ancestors"] == rules["object-src"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in policy


def test_a_session_planted_before_sign_in_is_worth_nothing_after_it(who):
    """Session fixation: who knows the old key must not be signed in by it."""
    who.alice.set_password(PASSWORD)
    who.alice.save()
    victim = Client()
    victim.get("/account/login/")
    session = victim.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    victim.cookies[settings.SESSION_COOKIE_NAME] = planted
    form = {"login": who.alice.username, "password": PASSWORD}
    assert victim.post("/account/login/", form).status_code == 302
    assert victim.get("/").status_code == 200
    attacker = Client()
    attacker.cookies[settings.SESSION_COOKIE_NAME] = planted
    assert attacker.get("/").status_code == 302


def test_the_session_is_out_of_reach_of_scripts_and_other_sites(who):
    who.alice.set_password(PASSWORD)
    who.alice.save()
    client = Client()
    client.post("/account/login/", {"login": who.alice.username, "password": PASSWORD})
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
