"""A reviewer at the keyboard, without a browser: signs in, reads the form, presses a button."""

import http.cookiejar
import urllib.parse
import urllib.request
from html.parser import HTMLParser

from tests.journeys.portal import Portal


class Form(HTMLParser):
    """The hidden fields and tick boxes of the form that posts to `action`."""

    def __init__(self, page: str, action: str) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []
        self._action = action
        self._inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        if tag == "form":
            self._inside = found.get("action") in (self._action, "", None)
        elif self._inside and tag == "input" and found.get("type") in ("hidden", "checkbox"):
            self.fields.append((str(found["name"]), found.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False


class Person:
    """One signed-in person of the demo company."""

    def __init__(self, portal: Portal, username: str) -> None:
        self._portal = portal
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        address = "/account/login/"
        self._post(
            address,
            self._form(address, address),
            ("login", username),
            ("password", portal.password(username)),
        )

    def read(self, address: str) -> str:
        """A page as text."""
        with self._opener.open(self._portal.url + address, timeout=30) as answer:
            return str(answer.read().decode())

    def decide(self, request_id: str, outcome: str = "approve", comment: str = "Fine") -> str:
        """Answer to the facts as they are on the page now; the page that comes back."""
        page, action = f"/requests/{request_id}", f"/requests/{request_id}/decide"
        fields = self._form(page, action)
        return self._post(action, fields, ("comment", comment), ("outcome", outcome))

    def _form(self, address: str, action: str) -> list[tuple[str, str]]:
        fields = Form(self.read(address), action).fields
        assert fields, f"no form that posts to {action} on {address}"
        return fields

    def _post(self, address: str, fields: list[tuple[str, str]], *more: tuple[str, str]) -> str:
        body = urllib.parse.urlencode([*fields, *more]).encode()
        asked = urllib.request.Request(
            self._portal.url + address, body, {"Origin": self._portal.url}
        )
        with self._opener.open(asked, timeout=30) as answer:
            return str(answer.read().decode())
