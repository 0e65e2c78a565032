"""Setting up a provider and signing in through it, in a browser with its rules for forms."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_pages import check_everywhere
from tests.openid import CLIENT_ID, SECRET, Elsewhere

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def elsewhere():
    server = Elsewhere()
    yield server
    server.stop()


@pytest.fixture
def admin(windows, elsewhere):
    """An administrator on the provider's page; other tests must not find it at the sign-in."""
    windows.forgive(elsewhere.issuer)
    page = windows.open("jonas", "/people/providers/new")
    check_everywhere(page)
    for label, text in (
        ("Name", "Elsewhere"),
        ("Issuer", elsewhere.issuer),
        ("Client id", CLIENT_ID),
        ("Client secret", SECRET),
        ("Scopes", "openid profile email groups"),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_label("it stands inside this network").check()
    with page.expect_navigation():
        page.get_by_role("button", name="Add provider").click()
    address = page.url
    elsewhere.told(redirectUris=[page.locator("code", has_text="/callback").inner_text()])
    yield page
    page.goto(f"{address}/archive")
    page.get_by_role("button", name="Archive provider").click()


def press(page, link, button, **filled):
    """Follow a link to a form, fill it in by labels, press its button."""
    page.get_by_role("link", name=link).click()
    for label, text in filled.items():
        page.get_by_label(label.replace("_", " ")).first.fill(text)
    page.get_by_role("button", name=button).click()


def test_people_sign_in_through_a_provider_that_was_set_up_by_its_pages(admin, windows, elsewhere):
    admin.get_by_role("button", name="Check").click()
    expect(admin.locator("main")).to_contain_text("It answers, and knows this portal")
    press(admin, "Link an account", "Link account", Person="maria", Subject="maria-there")
    with admin.expect_navigation():
        admin.get_by_role("link", name="New rule").click()
    check_everywhere(admin)
    admin.get_by_label("Value of the claim").fill("leads")
    admin.get_by_label("Role").select_option("auditor")
    admin.get_by_role("button", name="Add rule").click()
    expect(admin.locator("main")).to_contain_text("Auditor on the whole portal")
    check_everywhere(admin)
    press(admin, "Dry run", "Try", Person="maria", Claims='{"groups": ["leads"]}')
    expect(admin.locator("main")).to_contain_text("Given")
    check_everywhere(admin)
    admin.get_by_role("link", name="Back").click()

    elsewhere.is_somebody("maria-there")
    page = windows.open("", "/account/login/?next=/settings/")
    check_everywhere(page)
    page.get_by_role("button", name="Sign in with Elsewhere").click()
    page.wait_for_url("**/settings/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Preferences")

    elsewhere.told(account="stranger", rotate=True)
    windows.forgive("403")
    page = windows.open("", "/account/login/")
    page.get_by_role("button", name="Sign in with Elsewhere").click()
    expect(page.get_by_label("Subject")).to_have_value("stranger")
    check_everywhere(page)
