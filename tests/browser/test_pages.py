"""Every page in both themes and at three widths: accessible, never wider than the screen."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.browser.window import SLOW
from tests.remote import Remote, Says

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

THEMES = ("light", "dark")
WIDTHS = (1440, 390, 320)
AXE = Axe()
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 5).map((one) => one.outerHTML.slice(0, 120))"""


def faults(page, where):
    """What axe and a ruler find on this page as it is now."""
    results = AXE.run(page)
    if results.violations_count:
        yield f"{where}: {results.generate_report()}"
    sideways = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    if sideways > 0:
        yield f"{where}: {sideways} px too wide because of {page.evaluate(TOO_WIDE)}"


def check_everywhere(page):
    """Both themes at every width, without loading the page again."""
    page.emulate_media(reduced_motion="reduce")
    found = []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            found += faults(page, f"{theme}, {width} px")
    assert found == [], "\n".join(found)


@pytest.fixture
def gate(portal):
    """A pipeline that waits for a team lead."""
    waiting = portal.gate("production", "--reason", "Release 4.18", "--label", "hotfix")
    portal.until_pending(waiting.request)
    return waiting


@pytest.fixture
def remote():
    """An outside system that says how it is."""
    found = Remote()
    found.paths["/status"] = Says({"rate": 0.012})
    yield found
    found.close()


def test_signing_in(windows):
    check_everywhere(windows.open("", "/account/login/"))


@pytest.mark.usefixtures("gate")
def test_the_queue(windows):
    page = windows.open("maria")
    expect(page.locator(".q")).to_have_count(1)
    check_everywhere(page)


def test_the_empty_queue(windows):
    page = windows.open("maria")
    expect(page.locator(".q")).to_have_count(0)
    check_everywhere(page)


def test_a_request_to_decide(windows, gate):
    page = windows.open("maria", f"/requests/{gate.request}")
    expect(page.get_by_role("button", name="Approve").first).to_be_attached()
    check_everywhere(page)


def test_a_request_whose_facts_changed(portal, windows, gate):
    seen = portal.sql(
        "SELECT s.digest FROM approvals_snapshot s JOIN approvals_request r ON r.snapshot_id = s.id"
        " WHERE r.id = %s",
        gate.request,
    )[0][0]
    portal.add_commit("pie")
    portal.read_sources_again(gate.request)
    page = windows.open("maria", f"/requests/{gate.request}?seen={seen}")
    expect(page.locator("[data-fact='git.head']")).to_be_visible()
    check_everywhere(page)


def test_a_request_that_ran(windows, portal):
    gate = portal.gate("staging")
    assert gate.end() == 0, gate.said
    page = windows.open("maria", f"/requests/{gate.request}")
    expect(page.locator("[data-state]")).to_have_text("Done", timeout=SLOW)
    check_everywhere(page)


@pytest.mark.parametrize(
    "address",
    [
        "/requests/",
        "/projects/",
        "/groups/",
        "/policies/",
        "/people/",
        "/settings/",
        "/settings/absence",
        "/settings/forge-accounts",
    ],
)
def test_a_list(windows, address):
    page = windows.open("jonas", address)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    check_everywhere(page)


@pytest.mark.parametrize(
    ("address", "name"),
    [("/projects/", "shop"), ("/groups/", "team-leads"), ("/policies/", "shop-production")],
)
def test_one_of_a_list(windows, address, name):
    page = windows.open("jonas", address)
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name, ignore_case=True)
    check_everywhere(page)


def test_directories_of_people(windows):
    page = windows.open("jonas", "/people/directories/new")
    page.get_by_label("short name").fill("entra")
    with page.expect_navigation():
        page.get_by_role("button", name="Connect directory").click()
    check_everywhere(page)
    page.get_by_role("link", name="I have copied it").click()
    page.get_by_role("link", name="Hand over a group").click()
    page.get_by_label("Approver group").select_option("team-leads")
    page.get_by_role("button", name="Hand over").click()
    page.get_by_role("link", name="Hand over a person").click()
    page.get_by_label("Sign-in name").fill("maria")
    page.get_by_role("button", name="Hand over").click()
    expect(page.locator("main")).to_contain_text("Handed over")
    check_everywhere(page)
    page.goto(page.url.rpartition("/")[0] + "/")
    check_everywhere(page)


def test_roles_what_they_change_and_who_can_do_what(windows):
    page = windows.open("jonas", "/projects/")
    page.get_by_role("link", name="shop", exact=True).first.click()
    page.get_by_role("link", name="Who can do what", exact=True).click()
    expect(page.locator("main")).to_contain_text("shop/production")
    check_everywhere(page)
    with page.expect_navigation():
        page.get_by_role("link", name="Roles", exact=True).click()
    check_everywhere(page)
    page.get_by_label("Sign-in name").fill("maria")
    page.get_by_label("Role", exact=True).select_option("maintainer")
    page.get_by_label("Reason").fill("Looks after the shop in December")
    page.get_by_role("button", name="Grant role").click()
    expect(page.locator("main")).to_contain_text("new for")
    check_everywhere(page)


def test_an_access_review(windows):
    page = windows.open("jonas", "/reviews/new")
    check_everywhere(page)
    page.get_by_label("Name", exact=True).fill("Fourth quarter")
    page.get_by_label("Last day").fill("2099-12-31")
    page.get_by_role("button", name="Start review").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fourth quarter")
    check_everywhere(page)
    with page.expect_navigation():
        page.get_by_role("link", name="Remove").first.click()
    check_everywhere(page)
    page.goto(page.url.split("/reviews/")[0] + "/reviews/")
    expect(page.locator("main")).to_contain_text("Fourth quarter")
    check_everywhere(page)


def test_a_policy_version(windows):
    page = windows.open("jonas", "/policies/")
    page.get_by_role("link", name="shop-production", exact=True).first.click()
    page.locator("a[href$='/versions/1']").first.click()
    expect(page.locator("main")).to_contain_text("policy: shop-production")
    check_everywhere(page)


def test_the_facts(windows):
    page = windows.open("maria", "/policies/facts")
    expect(page.locator("#git\\.diff_lines")).to_contain_text("222")
    check_everywhere(page)


def test_the_editor_with_problems_and_with_a_failing_test(windows):
    page = windows.open("ana", "/policies/new")
    check_everywhere(page)
    right = page.get_by_label("Document").input_value()
    page.get_by_label("Document").fill(right.replace("approve: auto", "aprove: auto"))
    expect(page.locator("#findings-title")).to_have_text("Cannot be saved: 2 problems")
    check_everywhere(page)
    page.get_by_label("Document").fill(
        f"{right}tests:\n  - {{name: never, given: {{}}, expect: {{verdict: deny}}}}\n"
    )
    expect(page.locator("#findings-title")).to_have_text("Can be saved, but 1 test fails")
    check_everywhere(page)


def test_trying_a_policy(windows):
    page = windows.open("jonas", "/policies/")
    page.get_by_role("link", name="payments", exact=True).first.click()
    page.locator("a[href$='/versions/1']").first.click()
    page.get_by_role("link", name="Try it").click()
    page.get_by_label("request.environment").fill("production")
    page.get_by_role("button", name="Show the verdict").click()
    for summary in page.locator("#try summary").all():
        summary.click()
    check_everywhere(page)


def test_connecting_a_system_and_how_it_does(windows, remote):
    page = windows.open("jonas", "/projects/")
    page.get_by_role("link", name="shop", exact=True).first.click()
    page.get_by_role("link", name="Sources").click()
    page.get_by_role("link", name="Connections").click()
    page.get_by_role("link", name="Connect a system").first.click()
    page.get_by_role("link", name="HTTP and JSON").click()
    page.get_by_label("Name", exact=True).fill(
        "Status page with a name that is long enough to wrap"
    )
    page.get_by_label("Address").fill(f"{remote.url}/status")
    page.get_by_label("Secret optional", exact=True).fill("Bearer s3cret")
    page.get_by_label("Facts").fill("metric.error_rate = /rate\nflag.ready = /nothing")
    page.get_by_text("More settings").click()
    page.get_by_label("It stands inside this network").check()
    check_everywhere(page)
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Test connection").click()
    expect(page.locator("#health")).to_contain_text("has nothing for flag.ready")
    check_everywhere(page)
    page.get_by_role("link", name="All connections").click()
    page.get_by_role("link", name="How they do").click()
    expect(page.locator("main")).to_contain_text("Works")
    check_everywhere(page)


def test_a_report_and_the_list_of_them(windows, portal):
    gate = portal.gate("staging")
    assert gate.end() == 0, gate.said
    page = windows.open("omar", "/audit/reports/")
    check_everywhere(page)
    page.get_by_role("link", name="Change population").click()
    expect(page.get_by_role("region", name="Rows")).to_be_visible(timeout=SLOW)
    check_everywhere(page)


def test_verifying_the_log_and_the_statement_of_integrity(windows):
    page = windows.open("omar", "/audit/seal/")
    page.get_by_role("button", name="Verify now").click()
    expect(page.get_by_text("Nothing was sealed then")).to_be_visible(timeout=SLOW)
    expect(page.get_by_role("button", name="Verify now")).to_be_visible(timeout=SLOW)
    check_everywhere(page)
    page.goto("/audit/integrity/")
    check_everywhere(page)


def test_a_file_prepared_in_the_background_and_sending_it_regularly(windows):
    page = windows.open("omar", "/audit/reports/population")
    page.get_by_role("button", name="CSV").click()
    fetch = page.get_by_role("link", name="Fetch")
    expect(fetch).to_be_visible(timeout=SLOW)  # without loading the page again
    with page.expect_download() as download:
        fetch.click()
    assert download.value.suggested_filename.endswith(".csv")
    check_everywhere(page)
    page.goto("/audit/reports/population/schedule")
    check_everywhere(page)
    page.get_by_role("checkbox", name="Omar Said").check()
    page.get_by_role("button", name="Send regularly").click()
    expect(page.get_by_text("sets EMAIL_URL")).to_be_visible()
    check_everywhere(page)


def test_the_ledger_and_one_of_its_entries(windows, portal):
    gate = portal.gate("staging")
    assert gate.end() == 0, gate.said
    page = windows.open("omar", "/audit/?type=permit.*")
    check_everywhere(page)
    page.get_by_role("link", name="Permit issued").first.click()
    expect(page.get_by_role("heading", name="Proof")).to_be_visible(timeout=SLOW)
    page.get_by_text("The exact text").click()
    check_everywhere(page)


def test_the_seal(windows):
    page = windows.open("omar", "/audit/seal/")
    expect(page.get_by_role("link", name="description of the log")).to_be_visible()
    check_everywhere(page)


def test_trusting_workloads_and_testing_a_token(windows):
    windows.forgive("422 (Unprocessable")
    page = windows.open("jonas", "/projects/")
    page.get_by_role("link", name="shop", exact=True).first.click()
    with page.expect_navigation():
        page.get_by_role("link", name="Trusted workloads").click()
    check_everywhere(page)
    page.get_by_role("link", name="Trust workloads").first.click()
    page.get_by_role("link", name="GitHub Actions").click()
    page.get_by_label("Repository id").fill("a name")
    page.get_by_label("Acts as the service account").select_option(index=1)
    page.get_by_role("button", name="Trust them").click()
    expect(page.locator("main")).to_contain_text("a number, or a UUID")
    check_everywhere(page)
    page.get_by_label("Repository id").fill("74201")
    page.get_by_role("button", name="Trust them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("GitHub Actions")
    check_everywhere(page)
    page.get_by_role("link", name="Test a token").click()
    page.get_by_label("Workload token").fill("no token")
    page.get_by_role("button", name="Test", exact=True).click()
    expect(page.locator("main")).to_contain_text("Not accepted")
    check_everywhere(page)
