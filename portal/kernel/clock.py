"""One place that reads the time, so that tests can hold it still."""

from datetime import UTC, datetime


def now() -> datetime:
    """The current time, aware, in UTC."""
    return datetime.now(UTC)


def rfc3339(at: datetime) -> str:
    """RFC 3339 in UTC with microseconds: `2026-11-23T22:42:27.123456Z`."""
    # Half the time of strftime, which verification of a million entries would spend on this alone.
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
