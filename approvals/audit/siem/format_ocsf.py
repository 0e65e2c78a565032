"""Entries as events of the Open Cybersecurity Schema Framework: API Activity, class 6003. Pure.

Pinned to one version of the schema; docs/reference/siem.md says where each field comes from.
"""

from collections.abc import Sequence
from typing import Any

import orjson

from approvals.audit.siem.entry import SealedEntry, Sender
from approvals.audit.siem.meaning import Activity, Meaning, meaning_of
from portal.ledger.events import EVENTS

SCHEMA = "1.3.0"
CATEGORY, CLASS = 6, 6003
_USER_TYPES = {"person": (1, "User"), "system": (3, "System")}
_OTHER_USER = (99, "Service account")


def piece(entry: SealedEntry, sender: Sender) -> bytes:
    """One event."""
    return orjson.dumps(event_of(entry, sender))


def body(entries: Sequence[SealedEntry], pieces: Sequence[bytes], sender: Sender) -> bytes:
    """A list of events."""
    return b"[" + b",".join(pieces) + b"]"


def event_of(entry: SealedEntry, sender: Sender) -> dict[str, Any]:
    """The event; `raw_data` is the leaf, so that nothing is lost on the way."""
    payload = entry.payload
    outcome = payload.get("outcome", "")
    known = EVENTS.get(entry.type)
    return {
        **_classification(entry.type, meaning_of(entry.type, outcome)),
        "time": int(entry.at.timestamp() * 1000),
        "message": known.meaning if known else entry.type,
        **({"status_detail": outcome} if outcome else {}),
        "metadata": _metadata(entry, sender),
        "actor": {"user": _user(payload["actor"])},
        "api": {"operation": entry.type, "service": {"name": "countersign"}},
        # The ledger keeps nobody's network address: it is the portal through which they acted.
        "src_endpoint": {"hostname": sender.host, "svc_name": "countersign"},
        "resources": _resources(payload),
        "unmapped": {name: payload.get(name) for name in ("project", "request")},
        "raw_data": entry.leaf.decode(),
    }


def _classification(event: str, meaning: Meaning) -> dict[str, Any]:
    activity = meaning.activity
    name = event if activity is Activity.OTHER else activity.name.title()
    return {
        "category_uid": CATEGORY,
        "category_name": "Application Activity",
        "class_uid": CLASS,
        "class_name": "API Activity",
        "activity_id": int(activity),
        "activity_name": name,
        "type_uid": CLASS * 100 + activity,
        "type_name": f"API Activity: {activity.name.title()}",
        "severity_id": int(meaning.severity),
        "severity": meaning.severity.name.title(),
        "status_id": 2 if meaning.failed else 1,
        "status": "Failure" if meaning.failed else "Success",
    }


def _metadata(entry: SealedEntry, sender: Sender) -> dict[str, Any]:
    return {
        "version": SCHEMA,
        "product": {
            "name": "Countersign",
            "vendor_name": "Countersign",
            "version": sender.version,
        },
        "uid": entry.event_id,
        "sequence": entry.index,
        "event_code": entry.type,
        "log_name": sender.log,
        "original_time": entry.payload["time"],
    }


def _user(actor: dict[str, Any]) -> dict[str, Any]:
    number, word = _USER_TYPES.get(actor["kind"], _OTHER_USER)
    return {"uid": actor["ref"], "type_id": number, "type": word}


def _resources(payload: dict[str, Any]) -> list[dict[str, str]]:
    """What the entry is about: its object, its request, else its project."""
    about = payload.get("object") or {}
    found = [
        (about.get("id"), about.get("kind", "object")),
        (payload.get("request"), "request"),
        (payload.get("project"), "project"),
    ]
    return [{"uid": str(number), "type": str(kind)} for number, kind in found if number]
