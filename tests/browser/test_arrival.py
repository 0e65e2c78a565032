"""The whole story: a pipeline asks, the row arrives on the open page, a person lets it go on."""

import pytest
from playwright.sync_api import expect

from tests.browser.window import SLOW, approve, stays

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


# First in this folder: only a portal that was never asked shows the three steps.
def test_the_first_request_arrives_is_approved_and_runs_while_the_pages_stay_open(portal, windows):
    queue = windows.open("maria")
    expect(queue.get_by_role("heading", name="No pipeline has asked yet")).to_be_visible()
    command = queue.locator("pre.code")
    expect(command).to_contain_text(f"export COUNTERSIGN_URL={portal.url}")
    expect(command).to_contain_text("countersign gate --project")
    queue_stayed = stays(queue)

    gate = portal.gate("production", command="sleep 2; echo THE COMMAND RAN")
    row = queue.locator(f"#q-{gate.request}")
    expect(row).to_contain_text("Deploy shop", timeout=SLOW)
    expect(row).to_contain_text("0 of 1", timeout=SLOW)
    assert queue_stayed()
    row.get_by_role("link", name="Deploy shop").click()

    page = queue
    expect(page.get_by_role("heading", level=1)).to_have_text("Deploy shop to production")
    expect(page.locator("[data-state]")).to_contain_text("Waiting · 0 of 1", timeout=SLOW)
    expect(page.locator("#r-facts")).to_contain_text("Raise the price of coffee")
    assert "THE COMMAND RAN" not in gate.said
    page_stayed = stays(page)
    approve(page, "Prices are right")
    expect(page.locator("#flash")).to_contain_text("Approved. Entry ")

    expect(page.locator("[data-state]")).to_have_text("Running", timeout=SLOW)
    assert gate.end() == 0, gate.said
    assert "THE COMMAND RAN" in gate.said
    expect(page.locator("[data-state]")).to_have_text("Done", timeout=SLOW)
    expect(page.locator("#r-history")).to_contain_text("Maria Costa")
    expect(page.locator("#r-side")).to_contain_text("Prices are right")
    assert page_stayed()
