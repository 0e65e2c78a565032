"""Answers of outside systems that are none, and what people read of them."""

from http import HTTPStatus

import orjson

from approvals.context.source import SourceFailed
from portal.kernel.outgoing import Got

_ASKED_WRONG = {HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY}
_MOST_SAID = 200


class NotThere(SourceFailed):
    """The other side says that there is no such thing (404 or 410): often an answer by itself."""


class Refused(SourceFailed):
    """The other side does not take the question; `status` tells one refusal from another.

    `headers` are those of its answer, as where else to ask. `said` is what it says about it, or
    empty: for what people make the question of, as a query, so that they see what is wrong with it.
    """

    def __init__(self, got: Got) -> None:
        super().__init__(refusal(got.status))
        self.status = got.status
        self.headers = got.headers
        self.said = _said(got.body) if got.status in _ASKED_WRONG else ""


class NotAllowed(Refused):
    """The other side knows who asks and does not let them see it (403): that is for people."""


def refusal(status: int) -> str:
    """What people read of an answer with this status."""
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return f"its server refuses the credentials of the connection ({status})"
    if 300 <= status < 400:
        return f"its server answers with a redirect ({status}), which is not followed"
    return f"its server answers {status}"


def _said(body: bytes) -> str:
    """The words of an error as most systems send them: a text, or `error` or `message` of it."""
    try:
        words = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    if isinstance(words, dict):
        words = words.get("error") or words.get("message")
    return words[:_MOST_SAID] if isinstance(words, str) else ""
