"""Entries in the Common Event Format, each a syslog message (RFC 5424) framed by its length
(RFC 6587, 5425). Pure.

What stands in an entry may come from anybody: no text can end a field, a message or a frame.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from approvals.audit.siem.entry import SealedEntry, Sender
from approvals.audit.siem.meaning import Severity, meaning_of
from portal.kernel.clock import rfc3339
from portal.kernel.text import make_visible, on_one_line
from portal.ledger.chain import leaf_hash
from portal.ledger.events import COMMON, EVENTS, HISTORY

MOST_DETAILS = 3000  # characters; a custom text of CEF has room for 4,000
FACILITY = 13  # audit
# CEF counts severity from 0 to 10, syslog from 7 down to 0.
_SEVERITIES = {
    Severity.INFORMATIONAL: (3, 6),
    Severity.MEDIUM: (6, 4),
    Severity.HIGH: (8, 2),
}
_TEXTS = ("Project", "Request", "Details", "Leaf hash", "Log")  # the labels of cs1 to cs5


def piece(entry: SealedEntry, sender: Sender) -> bytes:
    """One framed message."""
    _cef, severity = _SEVERITIES[_severity(entry)]
    head = f"<{FACILITY * 8 + severity}>1 {rfc3339(entry.at)} {_word(sender.host, 255)}"
    kind = _word(entry.type, 32)
    message = f"{head} countersign - {kind} - {cef_of(entry, sender)}".encode()
    return b"%d %s" % (len(message), message)


def body(entries: Sequence[SealedEntry], pieces: Sequence[bytes], sender: Sender) -> bytes:
    """One message after the other."""
    return b"".join(pieces)


def cef_of(entry: SealedEntry, sender: Sender) -> str:
    """The message without its syslog head."""
    known = EVENTS.get(entry.type)
    severity, _syslog = _SEVERITIES[_severity(entry)]
    head = (sender.version, entry.type, known.meaning if known else entry.type, str(severity))
    fields = " ".join(f"{name}={_value(value)}" for name, value in _fields(entry, sender) if value)
    return "|".join(["CEF:0", "Countersign", "Countersign", *map(_header, head), fields])


def _severity(entry: SealedEntry) -> Severity:
    return meaning_of(entry.type, entry.payload.get("outcome", "")).severity


def _fields(entry: SealedEntry, sender: Sender) -> Iterator[tuple[str, str]]:
    payload = entry.payload
    yield "rt", str(int(entry.at.timestamp() * 1000))
    yield "externalId", entry.event_id
    yield "act", entry.type
    yield "outcome", payload.get("outcome", "")
    yield "suid", payload["actor"]["ref"]
    yield "spriv", payload["actor"]["kind"]
    yield "cn1Label", "Index"
    yield "cn1", str(entry.index)
    texts = (
        payload.get("project") or "",
        payload.get("request") or "",
        _details(payload),
        leaf_hash(entry.leaf).hex(),
        sender.log,
    )
    for number, (label, text) in enumerate(zip(_TEXTS, texts, strict=True), 1):
        yield f"cs{number}Label", label if text else ""
        yield f"cs{number}", text


def _details(payload: dict[str, Any]) -> str:
    """What is in no field of its own, as JSON; cut where it is long."""
    rest = {name: part for name, part in payload.items() if name not in COMMON | HISTORY}
    text = orjson.dumps(rest).decode() if rest else ""
    return text if len(text) <= MOST_DETAILS else f"{text[:MOST_DETAILS]}…"


def _word(text: str, most: int) -> str:
    """A field of the syslog head: printable ASCII without spaces, a dash for none."""
    return "".join(one if "!" <= one <= "~" else "?" for one in text[:most]) or "-"


def _header(text: str) -> str:
    return on_one_line(text).replace("\\", "\\\\").replace("|", "\\|")


def _value(text: str) -> str:
    """Line breaks as CEF writes them; other characters that nobody sees, made visible."""
    quoted = text.replace("\\", "\\\\").replace("=", "\\=")
    return make_visible(quoted.replace("\r", "\\r").replace("\n", "\\n").replace("\t", " "))
