"""Pages of signed-in people, each with a record of what went wrong in the browser."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, expect

from tests.journeys.portal import Portal

# Runs before any script of a page: a page that breaks its own policy says so here.
HEAR_REPORTS = """
window.policyReports = [];
addEventListener("securitypolicyviolation", (event) =>
  window.policyReports.push(`${event.violatedDirective} ${event.blockedURI}`));
"""


SLOW = 30_000  # milliseconds


def stays(page: Page) -> Callable[[], bool]:
    """Leaves a mark in the page that a reload would wipe away; gives the check."""
    page.evaluate("window.stayed = true")
    return lambda: bool(page.evaluate("window.stayed === true"))


def approve(page: Page, comment: str = "") -> None:
    """Look at every changed fact, and press Approve."""
    button = page.get_by_role("button", name="Approve", exact=False)
    expect(button).to_be_visible(timeout=SLOW)
    if comment:
        page.get_by_label("Comment").fill(comment)
    for box in page.locator("[data-tick]").all():
        box.check()
    button.click()


class Windows:
    """Opens pages; `check` fails for whatever a test did not forgive."""

    def __init__(
        self,
        new_context: Callable[..., BrowserContext],
        portal: Portal,
        sessions: dict[str, Any],
    ) -> None:
        self._new_context = new_context
        self._portal = portal
        self._sessions = sessions
        self._complaints: list[str] = []
        self._pages: list[Page] = []
        self._forgiven: list[str] = []

    def forgive(self, *parts: str) -> None:
        """Complaints with this text are what the test is about (a refused answer, an outage)."""
        self._forgiven += parts

    def open(self, username: str = "", address: str = "/", **options: Any) -> Page:
        """A page of this person in a window of its own, signed in, at the address."""
        if username and username not in self._sessions:
            self._sign_in(username)
        context = self.context(storage_state=self._sessions.get(username), **options)
        page = context.new_page()
        page.goto(address)
        return page

    def open_queue(self, username: str, **options: Any) -> Page:
        """The queue once it is live: the stream's first word makes it read its list again."""
        page = self.open(username, "about:blank", **options)
        with page.expect_response(
            lambda answer: answer.request.headers.get("hx-target") == "queue", timeout=SLOW
        ):
            page.goto("/")
        expect(page.locator("[data-live-state]")).to_have_text("Live")
        return page

    def context(self, **options: Any) -> BrowserContext:
        """A browser profile whose pages are listened to."""
        context = self._new_context(**options)
        context.add_init_script(HEAR_REPORTS)
        context.on("console", self._console)
        context.on("weberror", lambda error: self._complaints.append(f"script: {error.error}"))
        context.on("request", self._request)
        context.on("page", lambda page: self._pages.append(page))
        return context

    def check(self, pages: Iterable[Page] = ()) -> None:
        """Fail with the complaints of all pages so far."""
        for page in [*self._pages, *pages]:
            if not page.is_closed():
                reports = page.evaluate("window.policyReports || []")
                self._complaints += [f"policy: {report}" for report in reports]
        left = [
            complaint
            for complaint in self._complaints
            if not any(part in complaint for part in self._forgiven)
        ]
        self._complaints.clear()
        if left:
            pytest.fail("the browser complained:\n" + "\n".join(left))

    def _sign_in(self, username: str) -> None:
        """Through the real form, once for each person."""
        page = self.context().new_page()
        page.goto("/")
        page.get_by_label("Username").fill(username)
        page.get_by_label("Password").fill(self._portal.password(username))
        page.get_by_role("button", name="Sign in", exact=True).click()
        page.wait_for_url("/")
        self._sessions[username] = page.context.storage_state()
        page.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._complaints.append(f"console: {message.text} ({message.location.get('url')})")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((self._portal.url + "/", "data:", "blob:")):
            self._complaints.append(f"another host: {request.url}")
