"""Entries as JSON, each with the very bytes that the log hashed. Pure.

The body has the form that Standard Webhooks recommends: `type`, `timestamp`, `data`.
"""

from collections.abc import Sequence

import orjson

from approvals.audit.siem.entry import SealedEntry, Sender
from portal.kernel.clock import rfc3339


def piece(entry: SealedEntry, sender: Sender) -> bytes:
    """The leaf is put in as it is: its text between `"leaf":` and the last brace is what counts."""
    head = b'{"event_id":%s,"index":%d,"leaf":' % (orjson.dumps(entry.event_id), entry.index)
    return head + entry.leaf + b"}"


def body(entries: Sequence[SealedEntry], pieces: Sequence[bytes], sender: Sender) -> bytes:
    """The same entries make the same body, however often it is sent."""
    return b'{"type":"ledger.entries","timestamp":%s,"data":{"log":%s,"entries":[%s]}}' % (
        orjson.dumps(rfc3339(entries[-1].at)),
        orjson.dumps(sender.log),
        b",".join(pieces),
    )
