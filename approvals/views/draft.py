"""The comment of a decision that is not taken yet: it stays in the person's own session."""

from uuid import UUID

from django.http import HttpRequest

from approvals.lifecycle.decide import MAX_COMMENT_BYTES


def keep_comment(request: HttpRequest, request_id: UUID, comment: str) -> None:
    """Until the decision, or the session, ends."""
    request.session[_key(request_id)] = comment[:MAX_COMMENT_BYTES]


def kept_comment(request: HttpRequest, request_id: UUID) -> str:
    """What was written so far; empty when nothing was."""
    return str(request.session.get(_key(request_id), ""))


def drop_comment(request: HttpRequest, request_id: UUID) -> None:
    """It stands in the decision now."""
    if _key(request_id) in request.session:
        del request.session[_key(request_id)]


def _key(request_id: UUID) -> str:
    return f"comment.{request_id}"
