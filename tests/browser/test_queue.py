"""A busy queue: what waits for this person comes first, and every row says what it needs."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.window import SLOW, approve

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

PICTURE = Path(__file__).parents[2] / "docs" / "images" / "queue.png"
HALF = re.compile("1 of [23]")  # at weekends the policy of payments asks one more
COMMIT = "9f3c1ab70d4e52c68a1b3f0e7d2c4b5a69788790"


def job(number, pipeline, actor):
    """The variables of a CI job."""
    return {
        "CI_JOB_ID": str(number),
        "CI_PIPELINE_ID": str(number // 10),
        "CI_PIPELINE_NAME": pipeline,
        "GITLAB_USER_LOGIN": actor,
    }


@pytest.fixture
def busy(portal):
    """Six pipelines of three projects that wait, by name."""
    gates = {
        "half": portal.gate(project="payments", commit=COMMIT, **job(77120, "release", "lena")),
        "migration": portal.gate(action="migrate", **job(88131, "schema", "ben")),
        "release": portal.gate(**job(88124, "release", "ben")),
        "staging": portal.gate("staging", action="migrate", **job(88102, "schema", "kofi")),
        "search": portal.gate(project="search", commit=COMMIT, **job(41207, "nightly", "noor")),
        "own": portal.gate(project="search", commit=COMMIT[::-1], **job(41211, "hotfix", "maria")),
    }
    for gate in gates.values():
        portal.until_pending(gate.request, gate.project)
    return gates


def test_a_busy_queue_shows_first_what_this_person_may_decide(portal, windows, busy):
    page = windows.open("tomas", f"/requests/{busy['half'].request}")
    approve(page, "Reconciled with the ledger")
    expect(page.locator("[data-state]")).to_contain_text(HALF, timeout=SLOW)

    page = windows.open("maria", viewport={"width": 1440, "height": 900})
    mine = page.locator("section[data-group='you']")
    others = page.locator("section[data-group='others']")
    expect(mine.locator(".q")).to_have_count(5)
    expect(others.locator(".q")).to_have_count(1)
    expect(others).to_contain_text("you asked: others decide")
    expect(page.locator(f"#q-{busy['half'].request}")).to_contain_text(HALF)
    expect(page.locator(f"#q-{busy['migration'].request}")).to_contain_text("dba")
    expect(page.locator("#tabs")).to_contain_text("For you 6")
    expect(page.locator("[data-live-state]")).to_have_text("Live", timeout=SLOW)
    if os.environ.get("COUNTERSIGN_WRITE_IMAGES") == "1":
        draw(page)


def draw(page):
    """The picture of the README."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.screenshot(path=PICTURE)
