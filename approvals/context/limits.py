"""What an answer says about how often its server may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

LONGEST = timedelta(hours=1)  # nobody's header silences a source for longer
UNSAID = timedelta(seconds=60)
_EPOCH = 1_000_000_000  # a reset above this is a moment, below it a number of seconds
_REFUSALS = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Limit:
    """`left` questions until `resets_at`, where it says so; none at all before `until`."""

    left: int | None = None
    resets_at: datetime | None = None
    until: datetime | None = None


def limit_of(status: int, headers: Mapping[str, str], at: datetime) -> Limit:
    """The limit in an answer's headers (names in lower case), as GitHub, GitLab and others say."""
    left = _number(headers.get("x-ratelimit-remaining") or headers.get("ratelimit-remaining"))
    reset = headers.get("x-ratelimit-reset") or headers.get("ratelimit-reset")
    resets_at = _moment(_number(reset), at)
    again = _again(headers.get("retry-after"), at) if status in _REFUSALS else None
    until = again or (resets_at if left == 0 else None)
    if until is None and (status == HTTPStatus.TOO_MANY_REQUESTS or left == 0):
        until = at + UNSAID
    return Limit(left, resets_at, until and min(until, at + LONGEST))


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 12 else None


def _moment(number: int | None, at: datetime) -> datetime | None:
    if number is None:
        return None
    seconds = number - at.timestamp() if number > _EPOCH else number
    return at + min(timedelta(seconds=max(0.0, seconds)), LONGEST)


def _again(text: str | None, at: datetime) -> datetime | None:
    """Retry-After: seconds, or a date."""
    seconds = _number(text)
    if seconds is not None:
        return at + min(timedelta(seconds=seconds), LONGEST)
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
