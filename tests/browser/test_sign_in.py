"""From an invitation to a sign-in by passkey, with an authenticator that Chromium plays."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import check_everywhere
from tests.browser.window import SLOW

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PASSWORD = "a-passphrase-of-her-own"
DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def invitation(windows):
    """The path of a link that an administrator got to hand over: there is no mail server."""
    page = windows.open("priya", "/people/invite")
    page.get_by_label("Sign-in name").fill("nina")
    page.get_by_label("Name", exact=True).fill("Nina Key")
    page.get_by_label("E-mail address").fill("nina@example.com")
    page.get_by_role("button", name="Invite").click()
    link = page.get_by_label("Select all of it and copy").input_value(timeout=SLOW)
    return urlsplit(link).path


@pytest.fixture
def page(windows, portal):
    """A page at a host name, for an address of numbers has no passkeys, and its device."""
    windows.forgive("another host: http://localhost")
    found = windows.context().new_page()
    found.home = f"http://localhost:{urlsplit(portal.url).port}"
    found.device = found.context.new_cdp_session(found)
    found.device.send("WebAuthn.enable")
    added = found.device.send("WebAuthn.addVirtualAuthenticator", {"options": DEVICE})
    found.key = {"authenticatorId": added["authenticatorId"]}
    return found


def sign_out(page):
    page.goto(page.home + "/account/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/account/login/**")


def test_an_invited_person_adds_a_passkey_and_signs_in_by_it(page, invitation):
    page.goto(page.home + invitation)
    check_everywhere(page)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("The same again").fill(PASSWORD)
    page.get_by_role("button", name="Set password and sign in").click()
    expect(page.get_by_role("heading", name="Sign-in and devices")).to_be_visible(timeout=SLOW)
    with page.expect_navigation():
        page.get_by_role("link", name="Add passkey").click()
    check_everywhere(page)
    page.get_by_label("Name").fill("laptop")
    page.get_by_role("button", name="Add passkey").click()
    codes = page.get_by_label("Select all of it and copy")
    expect(codes).to_have_value(re.compile(r"^(\d{8}\n){9}\d{8}$"), timeout=SLOW)
    check_everywhere(page)
    page.get_by_role("link", name="I have copied them").click()
    expect(page.get_by_role("cell", name="laptop Passkey")).to_be_visible()
    check_everywhere(page)
    with page.expect_navigation():
        page.get_by_role("link", name="Add authenticator app").click()
    check_everywhere(page)

    sign_out(page)
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page.get_by_role("heading", name="Review queue")).to_be_visible(timeout=SLOW)

    sign_out(page)
    page.get_by_label("Username").fill("nina")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Second factor")).to_be_visible(timeout=SLOW)
    check_everywhere(page)
    page.device.send("WebAuthn.setUserVerified", {**page.key, "isUserVerified": False})
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("alert")).to_contain_text("gave no passkey", timeout=SLOW)
    page.device.send("WebAuthn.setUserVerified", {**page.key, "isUserVerified": True})
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Review queue")).to_be_visible(timeout=SLOW)
