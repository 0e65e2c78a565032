"""A commit lands between approval and execution: the approval is void and says why."""

import re
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.window import SLOW, approve, stays

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def test_a_commit_between_approval_and_execution_brings_round_two_with_old_and_new(portal, windows):
    approved_commit = portal.head()
    gate = portal.gate("production")
    page = windows.open("maria", f"/requests/{gate.request}")
    expect(page.locator("[data-state]")).to_contain_text("Waiting", timeout=SLOW)
    stayed = stays(page)

    gate.send(signal.SIGSTOP)  # the runner hangs: the approval is there, but nobody uses it
    approve(page, "Looks right")
    expect(page.locator("[data-state]")).to_have_text("Approved", timeout=SLOW)
    landed = portal.add_commit()
    gate.send(signal.SIGCONT)

    expect(page.locator("[data-state]")).to_have_text("Facts changed · round 2", timeout=SLOW)
    note = page.locator(".note.drift").filter(has_text="This is round 2")
    expect(note).to_contain_text("git.head")
    expect(note.locator("del")).to_contain_text(approved_commit[:7])
    expect(note.locator("strong")).to_contain_text(landed[:7])
    changed = page.locator("[data-fact='git.head']")
    expect(changed.locator("del")).to_contain_text(approved_commit[:7])
    expect(changed.locator("ins")).to_contain_text(landed[:7])
    expect(page.locator("#r-side")).to_contain_text("round 1, no longer counts")
    gate.says("git.head was")
    assert "THE COMMAND RAN" not in gate.said

    approve(page, "Only a price list: go")
    assert gate.end() == 0, gate.said
    assert gate.said.count("THE COMMAND RAN") == 1
    expect(page.locator("[data-state]")).to_have_text("Done", timeout=SLOW)
    assert stayed()


@pytest.mark.parametrize("scripts", [True, False], ids=["with-scripts", "without-scripts"])
def test_a_decision_on_facts_that_moved_is_refused_and_the_comment_is_kept(
    portal, windows, scripts
):
    gate = portal.gate("production")
    page = windows.open("maria", f"/requests/{gate.request}", java_script_enabled=scripts)
    windows.forgive("409 (Conflict)")
    if scripts:  # this page hears nothing: its reading of the live parts fails
        windows.forgive("ERR_FAILED")
        page.route(re.compile("/live"), lambda route: route.abort())
    portal.until_pending(gate.request)
    page.reload()
    portal.add_commit("cake")
    portal.read_sources_again(gate.request)

    page.get_by_label("Comment").fill("The third release of today")
    page.get_by_role("button", name="Approve").click()
    expect(page.get_by_role("alert")).to_contain_text("The facts moved")
    expect(page.get_by_label("Comment")).to_have_value("The third release of today")
    expect(page.locator("[data-fact='git.head']")).to_contain_text("Changed")
    assert portal.request(gate.request)["decisions"] == []

    approve(page)
    assert gate.end() == 0, gate.said
    given = portal.request(gate.request)["decisions"]
    assert [decision["comment"] for decision in given] == ["The third release of today"]
