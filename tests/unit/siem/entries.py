"""Sealed entries for tests, of any text."""

from datetime import UTC, datetime
from uuid import UUID

from approvals.audit.siem.entry import SealedEntry, Sender
from portal.kernel.canonical import canonical
from portal.kernel.clock import rfc3339
from portal.ledger.leaf import leaf_bytes

AT = datetime(2026, 11, 25, 9, 30, 1, 234567, UTC)
SENDER = Sender("portal.example", "0.1.0", "portal.example/log/1")
PROJECT, REQUEST = UUID(int=1), UUID(int=2)


def sealed(event="project.changed", *, index=41, outcome="", actor="person", **parts):
    """One entry as the ledger writes it."""
    payload = {
        "v": 1,
        "id": f"00000000-0000-7000-8000-{index:012}",
        "type": event,
        "time": rfc3339(AT),
        "project": str(PROJECT),
        "request": None,
        "actor": {"kind": actor, "ref": "p-7", "authn": "session", "roles": []},
        "outcome": outcome,
        "portal": {"version": "0.1.0"},
        **parts,
    }
    leaf = leaf_bytes(at=AT, payload=canonical(payload), number=index + 1)
    return SealedEntry(index, AT, leaf, payload)
