"""A real Chromium, and one running portal, for all browser tests of an xdist worker.

Playwright's fixtures are made anew with package scope: as long as its synchronous API is open,
an event loop counts as running in this thread, and Django refuses its database to other tests.
"""

import os

import pytest
from playwright.sync_api import expect, sync_playwright

from portal.runner.browser import find_chromium
from tests.browser.window import Windows
from tests.journeys.portal import running_portal

expect.set_options(timeout=30_000)  # a page that comes late on a busy machine is no failure
SWITCHES = (
    "--no-sandbox",  # root has none; the only pages are ours
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    """Chromium of this machine; without one the tests are skipped, loudly, or fail in CI."""
    program = find_chromium()
    if program is None:
        reason = "NO BROWSER: install Chromium, or set CHROMIUM=/path/to/chromium"
        if os.environ.get("COUNTERSIGN_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return {**browser_type_launch_args, "executable_path": program, "args": list(SWITCHES)}


@pytest.fixture(scope="package")
def playwright(browser_type_launch_args):
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="package")
def browser(playwright, browser_type_launch_args):
    found = playwright.chromium.launch(**browser_type_launch_args)
    yield found
    found.close()


@pytest.fixture(scope="package")
def browser_context_args(portal):
    return {"base_url": portal.url}


@pytest.fixture(scope="package")
def portal(browser_type_launch_args):
    """The portal; asks for the browser first, so that nothing starts where there is none."""
    with running_portal() as running:
        yield running


@pytest.fixture(scope="package")
def sessions():
    """Who signed in already: their cookies (the portal limits sign-ins)."""
    return {}


@pytest.fixture(autouse=True)
def nothing_left_waiting(portal):
    """Every test begins and ends with an empty queue."""
    yield
    portal.end_runs()


@pytest.fixture
def windows(new_context, portal, sessions):
    """Opens pages as people of the demo company, and looks at what the browser complained of."""
    opened = Windows(new_context, portal, sessions)
    yield opened
    opened.check()
