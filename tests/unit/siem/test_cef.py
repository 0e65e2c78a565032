"""Messages of CEF over syslog that no text in an entry can break."""

import json
import re

import pytest

from approvals.audit.siem.format_cef import cef_of
from approvals.audit.siem.formats import batch_of
from portal.ledger.chain import leaf_hash
from portal.ledger.events import EVENTS
from tests.syslog import unframed
from tests.unit.siem.entries import REQUEST, SENDER, sealed

HOSTILE = [
    "a|b|c",
    "x=y suid=root",
    "back\\slash\\",
    "ends\nCEF:0|Fake|Fake|1|forged|forged|10|suid=root",
    "\r\n<104>1 2026-01-01T00:00:00Z evil app - - - forged",
    "\\=|\\n",
    "\u202egnp.exe \u200b\x85\x7f",
    "12 fake",
    "\u2028next\u2029",
]


def parsed(message):
    """Header and fields, read as the format's own words say: `\\|` and `\\\\` in the header, `\\=`,
    `\\\\`, `\\n` and `\\r` in values; a field begins behind a space and ends before the next."""
    parts = re.split(r"(?<!\\)(?:\\\\)*\|", message, maxsplit=7)
    assert len(parts) == 8, message
    fields, text = {}, parts[7]
    starts = list(re.finditer(r"(?:^| )([A-Za-z0-9]+)=", text))
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        raw = text[start.end() : end.start() if end else len(text)]
        fields[start[1]] = re.sub(r"\\(.)", lambda m: {"n": "\n", "r": "\r"}.get(m[1], m[1]), raw)
    return parts[:7], fields


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_of_every_type_makes_one_message(event):
    entry = sealed(event, outcome="failed", request=str(REQUEST))
    (message,) = unframed(batch_of("cef", [entry], SENDER).body)
    head, _, cef = message.partition(" CEF:")
    pattern = r"<(\d+)>1 2026-11-25T09:30:01\.234567Z portal\.example countersign - (\S{1,32}) -"
    found = re.fullmatch(pattern, head)
    assert found and found[2] == event[:32]
    assert int(found[1]) // 8 == 13
    header, fields = parsed(f"CEF:{cef}")
    assert header[:5] == ["CEF:0", "Countersign", "Countersign", "0.1.0", event]
    assert 0 <= int(header[6]) <= 10
    assert fields["externalId"] == entry.event_id
    assert (fields["act"], fields["suid"], fields["outcome"]) == (event, "p-7", "failed")
    assert fields["rt"] == "1795599001234"
    assert (fields["cn1Label"], fields["cn1"]) == ("Index", "41")
    assert (fields["cs2Label"], fields["cs2"]) == ("Request", str(REQUEST))
    assert (fields["cs4Label"], fields["cs4"]) == ("Leaf hash", leaf_hash(entry.leaf).hex())


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_breaks_a_field_a_message_or_a_frame(text):
    entries = [
        sealed("project.changed", index=1, outcome=text, object={"kind": text, "id": text}),
        sealed("project.changed", index=2),
    ]
    entries[0].payload["actor"]["ref"] = text
    messages = unframed(batch_of("cef", entries, SENDER).body)
    assert len(messages) == 2
    message = messages[0]
    assert message.isprintable() and "\n" not in message and "\r" not in message
    header, fields = parsed(message[message.index("CEF:0") :])
    assert header[4] == "project.changed"
    assert set(fields) == set(parsed(cef_of(entries[1], SENDER))[1]) | {
        "outcome",
        "cs3",
        "cs3Label",
    }
    if text.isprintable():
        assert fields["outcome"] == fields["suid"] == text
        assert json.loads(fields["cs3"])["object"] == {"kind": text, "id": text}


def test_a_hostile_type_stays_in_its_places():
    entry = sealed("evil.|=\\ \n<1>type")
    (message,) = unframed(batch_of("cef", [entry], SENDER).body)
    header, fields = parsed(message[message.index("CEF:0") :])
    assert header[4] == "evil.\\|=\\\\ <1>type"
    assert fields["act"] == entry.type
    assert message.split(" ")[5] == "evil.|=\\??<1>type"


def test_long_details_are_cut_and_the_hash_still_names_the_leaf():
    entry = sealed(object={"id": "é" * 20_000})
    _, fields = parsed(cef_of(entry, SENDER))
    assert len(fields["cs3"]) <= 3001 and fields["cs3"].endswith("…")
    assert fields["cs4"] == leaf_hash(entry.leaf).hex()
