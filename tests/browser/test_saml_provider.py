"""Signing in through a SAML provider of another site, whose form comes without our session."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import check_everywhere
from tests.saml import Elsewhere

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def elsewhere():
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def admin(windows, elsewhere):
    """An administrator on the provider's page; other tests must not find it at the sign-in."""
    page = windows.open("jonas", "/people/providers/new-saml")
    check_everywhere(page)
    elsewhere_url = elsewhere.issuer.replace("127.0.0.1", "localhost")  # to a browser another site
    page.get_by_label("Name", exact=True).fill("Elsewhere")
    for label, text in (
        ("Entity id", elsewhere.issuer),
        ("Sign-in address", f"{elsewhere_url}/sso"),
        ("Certificate", elsewhere.signer.cert),
    ):
        page.get_by_label(label).fill(text)
    page.get_by_label("it stands inside this network").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Add provider").click()
    address = page.url
    yield page
    page.goto(f"{address}/archive")
    page.get_by_role("button", name="Archive provider").click()


@pytest.mark.parametrize("javascript", [True, False], ids=["with", "without"])
def test_people_sign_in_with_and_without_javascript(admin, windows, elsewhere, javascript,
                                                    new_context):  # fmt: skip
    admin.get_by_role("button", name="Check").click()
    expect(admin.locator("main")).to_contain_text("What was entered can be used")
    check_everywhere(admin)
    admin.get_by_role("link", name="Link an account").click()
    admin.get_by_label("Person").first.fill("maria")
    admin.get_by_label("Subject").fill("maria-there")
    admin.get_by_role("button", name="Link account").click()
    elsewhere.is_somebody("maria-there")
    page = new_context(java_script_enabled=javascript).new_page()
    page.goto("/account/login/?next=/settings/")
    page.get_by_role("button", name="Sign in with Elsewhere").click()
    if not javascript:
        page.get_by_role("button", name="Submit").click()
        page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/settings/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preferences")
