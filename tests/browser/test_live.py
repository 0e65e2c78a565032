"""Open pages stay true: in many tabs, through a killed server, through a lost database line."""

import os
import signal
import subprocess

import pytest
from playwright.sync_api import expect

from portal.runner.addresses import APP
from tests.browser.window import SLOW, stays
from tests.journeys.portal import eventually

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

TABS = 7  # HTTP/1.1 gives a site six connections: with one stream a tab the seventh would hang


def live_lines(portal):
    """Server processes of the connections on which this portal listens for changes."""
    asked = """SELECT pid FROM pg_stat_activity
        WHERE application_name = 'countersign live' AND datname = current_database()"""
    return {pid for (pid,) in portal.sql(asked)}


def web_process(portal):
    """The process of this portal's web server: the one below the runner that serves pages."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,ppid=,args="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    guards = {pid for pid, parent, _ in rows if parent == str(portal.runner_pid)}
    return next(
        int(pid)
        for pid, parent, args in rows
        if parent in guards and "portal.config.server" in args
    )


def expect_row(page, gate):
    expect(page.locator(f"#q-{gate.request}")).to_contain_text("Deploy shop", timeout=SLOW)


def test_seven_tabs_of_one_person_stay_live_on_one_stream(portal, windows):
    first = windows.open_queue("maria")
    pages = [first]
    for _ in range(TABS - 1):
        pages.append(first.context.new_page())
        pages[-1].goto("/")
    marks = [stays(page) for page in pages]
    gate = portal.gate("production")
    for page in pages:
        expect_row(page, gate)
    assert all(mark() for mark in marks)
    expect(first.locator("[data-live-state]")).to_have_text("Live")


def test_a_row_that_is_decided_elsewhere_greys_out_and_leaves(portal, windows):
    gate = portal.gate("production")
    portal.until_pending(gate.request)
    page = windows.open_queue("maria")
    expect_row(page, gate)
    gate.send(signal.SIGTERM)
    assert gate.end() == 128 + signal.SIGTERM
    row = page.locator(f"#q-{gate.request}")
    expect(row).to_contain_text("Withdrawn", timeout=SLOW)
    expect(row).to_have_count(0, timeout=SLOW)


def test_live_updates_come_back_after_the_web_server_was_killed(portal, windows):
    windows.forgive("ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE", "ERR_EMPTY", "ERR_CONNECTION_RESET")
    page = windows.open_queue("maria")
    stayed = stays(page)
    killed = web_process(portal)
    os.kill(killed, signal.SIGKILL)
    gate = portal.gate("production")  # asks until there is a portal again
    expect_row(page, gate)
    assert web_process(portal) != killed
    assert stayed()


def test_live_updates_come_back_after_the_database_dropped_the_line(portal, windows):
    page = windows.open_queue("maria")
    stayed = stays(page)
    (line,) = eventually(lambda: live_lines(portal), "a listening connection")
    portal.sql("SELECT pg_terminate_backend(%s)", line, role=APP)
    gate = portal.gate("production")
    expect_row(page, gate)
    new = eventually(lambda: live_lines(portal) - {line}, "a new listening connection")
    assert len(new) == 1
    assert stayed()


def test_the_button_that_has_the_focus_keeps_it_while_the_page_reads_itself(portal, windows):
    gate = portal.gate("production")
    portal.until_pending(gate.request)
    page = windows.open("maria", f"/requests/{gate.request}")
    button = page.get_by_role("button", name="Approve")
    button.focus()
    button.evaluate("one => { window.old = one; document.dispatchEvent(new Event('reread')); }")
    eventually(lambda: page.evaluate("!window.old.isConnected"), "the page read itself again")
    expect(button).to_be_focused()


def test_what_was_opened_stays_open_and_in_its_place_while_the_page_reads_itself(portal, windows):
    gate = portal.gate("production")
    portal.until_pending(gate.request)
    page = windows.open("maria", f"/requests/{gate.request}")
    page.set_viewport_size({"width": 1440, "height": 500})
    rules = page.locator("details[data-keep='rules']")
    rules.locator("summary").first.click()
    page.evaluate("scrollTo(0, 300)")
    rules.evaluate("one => { window.old = one; document.dispatchEvent(new Event('reread')); }")
    eventually(lambda: page.evaluate("!window.old.isConnected"), "the page read itself again")
    expect(rules).to_have_attribute("open", "")
    expect(rules.locator("summary").first).to_be_focused()
    assert page.evaluate("scrollY") == 300
