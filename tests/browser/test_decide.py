"""Who may decide does so with a mouse, with the keyboard alone, and without JavaScript."""

import pytest
from playwright.sync_api import expect

from tests.browser.window import SLOW, approve

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


@pytest.fixture
def gate(portal):
    """A pipeline that waits for a team lead, and its page."""
    waiting = portal.gate("production")
    portal.until_pending(waiting.request)
    return waiting


def address(gate):
    return f"/requests/{gate.request}"


def test_a_rejection_needs_a_comment_and_ends_the_pipeline_with_65(windows, gate):
    windows.forgive("422 (Unprocessable")
    page = windows.open("maria", address(gate))
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_role("alert")).to_contain_text("Not recorded")
    expect(page.locator("[data-state]")).to_contain_text("Waiting")

    page.get_by_label("Comment").fill("Not on a Friday")
    page.get_by_role("button", name="Reject").click()
    expect(page.locator("[data-state]")).to_have_text("Rejected", timeout=SLOW)
    assert gate.end() == 65
    assert "THE COMMAND RAN" not in gate.said
    assert "Not on a Friday" in gate.said


def test_whoever_asked_sees_why_others_must_decide(windows, gate):
    page = windows.open("ana", "/?tab=all")
    row = page.locator(f"#q-{gate.request}")
    expect(row).to_contain_text("you asked: others decide")
    row.get_by_role("link", name="Deploy shop").click()
    expect(page.locator("[data-closed]")).to_have_text(
        "You cannot decide on this: you own the service account that asked."
    )
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    expect(page.get_by_role("button", name="Reject")).to_have_count(0)


def test_without_javascript_a_request_is_found_and_approved(windows, gate):
    page = windows.open("maria", "/", java_script_enabled=False)
    page.locator(f"#q-{gate.request}").get_by_role("link", name="Deploy shop").click()
    approve(page, "Seen without scripts")
    expect(page.locator("#flash")).to_contain_text("Approved. Entry ")
    assert gate.end() == 0, gate.said
    page.reload()
    expect(page.locator("[data-state]")).to_have_text("Done")


def test_the_keyboard_alone_leads_from_the_queue_to_an_approval(windows, gate):
    page = windows.open("maria")
    expect(page.locator(f"#q-{gate.request}")).to_be_visible(timeout=SLOW)
    page.keyboard.press("j")
    expect(page.locator(f"#a-{gate.request}")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{address(gate)}")
    expect(page.locator("[data-state]")).to_contain_text("Waiting")

    page.keyboard.press("m")
    expect(page.get_by_label("Comment")).to_be_focused()
    page.keyboard.type("a r x are letters here")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Reject")).to_be_focused()
    page.keyboard.press("a")
    expect(page.get_by_role("button", name="Approve")).to_be_focused()
    expect(page.locator("[data-state]")).to_contain_text("Waiting")  # no key decides by itself
    page.keyboard.press("Enter")
    expect(page.locator("#flash")).to_contain_text("Approved. Entry ")
    expect(page.locator("#r-side")).to_contain_text("a r x are letters here")
    assert gate.end() == 0, gate.said


def test_opening_what_is_shown_in_part_is_what_approving_asks_for(portal, windows):
    """The list of commits shows eight; a ninth is one that nobody may approve unseen."""
    for n in range(9):
        portal.add_commit(f"tea{n}")
    waiting = portal.gate("production")
    portal.until_pending(waiting.request)
    page = windows.open("maria", address(waiting))
    tick = page.get_by_role("checkbox", name="I opened: all").first
    expect(tick).not_to_be_checked(timeout=SLOW)
    for hidden in page.locator("details[data-opens]").all():
        hidden.locator("summary").click()
    for one in page.locator("[name=opened]").all():
        expect(one).to_be_checked()
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("[data-state]")).to_have_text("Done", timeout=SLOW)
    assert waiting.end() == 0, waiting.said
