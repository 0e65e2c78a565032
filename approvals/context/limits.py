"""What an answer says about how often its server may be asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus

LONGEST = timedelta(hours=1)  # nobody's header silences a source for longer
UNSAID = timedelta(seconds=60)
RESERVED = 10  # one of so many questions, and at least one, is kept for redeeming
_EPOCH = 1_000_000_000  # a reset above this is a moment, below it a number of seconds
_REFUSALS = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE}


@dataclass(frozen=True)
class Limit:
    """`left` questions of `whole` until `resets_at`, where it says so; none before `until`."""

    left: int | None = None
    resets_at: datetime | None = None
    until: datetime | None = None
    whole: int | None = None

    @property
    def reserve(self) -> int:
        """Of `left`, how many are not for looking again at what waits."""
        return -(-(self.whole or 0) // RESERVED)


def limit_of(status: int, headers: Mapping[str, str], at: datetime) -> Limit:
    """The limit in an answer's headers (names in lower case), as GitHub, GitLab and others say."""
    left, reset, whole = _plain(headers) or _structured(headers)
    resets_at = _moment(reset, at)
    again = _again(headers.get("retry-after"), at) if status in _REFUSALS else None
    until = again or (resets_at if left == 0 else None)
    if until is None and (status == HTTPStatus.TOO_MANY_REQUESTS or left == 0):
        until = at + UNSAID
    return Limit(left, resets_at, until and min(until, at + LONGEST), whole)


def _plain(headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None] | None:
    """Left, reset and whole in a header each; None where there is none."""
    for family in ("x-ratelimit", "ratelimit"):
        if f"{family}-remaining" in headers or f"{family}-reset" in headers:
            left, reset, whole = (
                _number(headers.get(f"{family}-{name}")) for name in ("remaining", "reset", "limit")
            )
            return left, reset, whole
    return None


def _structured(headers: Mapping[str, str]) -> tuple[int | None, int | None, int | None]:
    """The same of the tightest policy in `RateLimit` and `RateLimit-Policy`: `"hour";r=12;t=60`,
    `"hour";q=500;w=3600` (draft-ietf-httpapi-ratelimit-headers-10)."""
    quotas = {
        name: _number(values.get("q"))
        for name, values in _policies(headers.get("ratelimit-policy", ""))
    }
    found = [
        (left, _number(values.get("t")), quotas.get(name))
        for name, values in _policies(headers.get("ratelimit", ""))
        if (left := _number(values.get("r"))) is not None
    ]
    return min(found, key=lambda one: one[0], default=(None, None, None))


def _policies(header: str) -> list[tuple[str, dict[str, str]]]:
    """Name and parameters of each item of a list (RFC 9651); what is no such list says nothing."""
    found = []
    for item in header[:1_000].split(","):
        name, *parameters = (part.strip() for part in item.split(";"))
        pairs = (part.partition("=") for part in parameters)
        found.append((name, {key.strip(): value.strip() for key, _, value in pairs}))
    return found


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
