"""What an event means to who watches for trouble: kind of activity, severity, success. Pure.

Told by the words of its name, so that an event of tomorrow has a meaning as well.
"""

from dataclasses import dataclass
from enum import IntEnum


class Activity(IntEnum):
    """As OCSF numbers them."""

    CREATE = 1
    READ = 2
    UPDATE = 3
    DELETE = 4
    OTHER = 99


class Severity(IntEnum):
    """As OCSF numbers them; these three are used."""

    INFORMATIONAL = 1
    MEDIUM = 3
    HIGH = 4


_FAMILIES = {
    "export": Activity.READ,
    "evidence": Activity.READ,
    "erasure": Activity.DELETE,
}
_WORDS = {
    Activity.CREATE: "created added granted submitted issued drafted",
    Activity.READ: "read seen",
    Activity.UPDATE: "changed published retired renewed rotated resealed paused resumed replayed",
    Activity.DELETE: "removed revoked archived",
}
_ACTIVITIES = {word: activity for activity, words in _WORDS.items() for word in words.split()}
_TROUBLE = {"failed", "refused", "lost"}
_FAILED = {"failed", "fails", "refused"}  # outcomes
_NOTABLE = _TROUBLE | {"found", "late"}


@dataclass(frozen=True)
class Meaning:
    """Of one entry."""

    activity: Activity
    severity: Severity
    failed: bool


def meaning_of(event: str, outcome: str) -> Meaning:
    """By the event's name, as `permit.reported_late`, and the entry's outcome."""
    family, _, what = event.partition(".")
    word = what.rpartition("_")[2]
    activity = _FAMILIES.get(family) or _ACTIVITIES.get(word, Activity.OTHER)
    severity = Severity.MEDIUM if word in _NOTABLE else Severity.INFORMATIONAL
    if family == "break_glass":
        severity = Severity.HIGH
    return Meaning(activity, severity, failed=word in _TROUBLE or outcome in _FAILED)
