"""Writing a policy: the mistake is seen at its line while typing, and gone once it is right."""

import pytest
from playwright.sync_api import expect

from tests.browser.window import SLOW, stays

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

FAILING = """\
tests:
  - name: staging flows
    given: {request.environment: staging}
    expect: {verdict: deny}
"""


@pytest.fixture
def page(windows):
    return windows.open("ana", "/policies/new")


def lines(page):
    """The numbers that are marked beside the text."""
    return page.locator(".gutter .bad, .gutter .warn").all_inner_texts()


def untidy(text):
    """The same with other indentation."""
    return text.replace("\n    ", "\n        ").replace("  - id", "      - id")


def put_after(page, text, typed):
    """Set the caret behind `text` and type."""
    area = page.get_by_label("Document")
    area.evaluate(
        """(area, text) => {
            const at = area.value.indexOf(text) + text.length;
            area.focus();
            area.setSelectionRange(at, at);
        }""",
        text,
    )
    page.keyboard.type(typed)


def test_a_mistake_is_seen_at_its_line_and_goes_when_it_is_right(page):
    stayed = stays(page)
    title = page.locator("#findings-title")
    expect(title).to_have_text("Can be saved: no problems")
    assert lines(page) == []
    put_after(page, "request.environment", "s")
    expect(title).to_have_text("Cannot be saved: 1 problem", timeout=SLOW)
    said = "unknown fact 'request.environments'; did you mean 'request.environment'?"
    expect(page.locator(".layer .said.bad")).to_have_text(said)
    expect(page.locator("#findings [data-kind=bad]")).to_contain_text("Line 5, column 9")
    expect(page.locator("#findings mark")).to_have_text("request.environments")
    assert lines(page) == ["5"]

    page.get_by_role("link", name="Line 5, column 9").click()
    expect(page.get_by_label("Document")).to_be_focused()
    place = page.get_by_label("Document").evaluate("(a) => a.value.slice(a.selectionStart)")
    assert place.startswith("request.environments == ")
    put_after(page, "request.environments", "")
    page.keyboard.press("Backspace")
    expect(title).to_have_text("Can be saved: no problems", timeout=SLOW)
    expect(page.locator(".layer .said.bad")).to_have_count(0)
    assert lines(page) == []
    assert stayed()


def test_a_failing_test_is_shown_at_its_line_and_does_not_refuse_the_draft(page):
    area = page.get_by_label("Document")
    area.fill(area.input_value() + FAILING)
    expect(page.locator("#findings-title")).to_have_text("Can be saved, but 1 test fails")
    expect(page.locator(".layer .said.warn")).to_contain_text("the verdict is allow because of")
    assert lines(page) == ["14"]


def test_format_tidies_and_can_be_undone(page):
    area = page.get_by_label("Document")
    right = area.input_value()
    area.fill(untidy(right))
    page.get_by_role("button", name="Format").click()
    expect(area).to_have_value(right)
    expect(page.locator("#findings")).to_contain_text("It says the same as before.")
    page.keyboard.press("Control+z")
    expect(area).to_have_value(untidy(right))


def test_a_past_request_is_tried_on_the_text_in_the_editor(portal, windows):
    gate = portal.gate("staging")
    assert gate.end() == 0, gate.said
    number = portal.request(gate.request)["number"]
    page = windows.open("ana", "/policies/new")
    stayed = stays(page)
    area = page.get_by_label("Document")
    area.fill(area.input_value().replace("[my-service]", "[shop]"))
    page.get_by_role("button", name="Try it").click()
    trial = page.locator("#try")
    expect(trial).to_contain_text(f"R-{number}: Deploy shop to staging", timeout=SLOW)
    expect(trial).to_contain_text("The verdict: Let through")
    trial.get_by_label("request.environment").fill("production")
    trial.get_by_role("button", name="Show the verdict").click()
    expect(trial).to_contain_text("The verdict: People are asked")
    trial.get_by_label("Or another request").fill("R-999999")
    trial.get_by_role("button", name="Take these facts").click()
    expect(trial.get_by_role("alert")).to_contain_text("There is no such request")
    assert stayed()


def test_without_scripts_check_format_and_try_are_buttons(windows):
    page = windows.open("ana", "/policies/new", java_script_enabled=False)
    area = page.get_by_label("Document")
    right = area.input_value()
    area.fill(right.replace("approve: auto", "aprove: auto"))
    page.get_by_label("What changes and why").fill("My note")
    page.get_by_role("button", name="Check").click()
    expect(page.locator("#findings")).to_contain_text("did you mean 'approve'?")
    area.fill(untidy(right))
    page.get_by_role("button", name="Format").click()
    expect(area).to_have_value(right)
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("#try")).to_contain_text("What each rule says")
    page.get_by_role("button", name="Back to the editor").click()
    expect(area).to_have_value(right)
    expect(page.get_by_label("What changes and why")).to_have_value("My note")
