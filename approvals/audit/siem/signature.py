"""Signatures of what is posted, as Standard Webhooks has them (symmetric, `v1`)."""

import hmac
from base64 import b64decode, b64encode
from collections.abc import Iterable
from datetime import datetime

from approvals.connections.proof import PREFIX


def signed(body: bytes, *, number: str, at: datetime, secrets: Iterable[str]) -> dict[str, str]:
    """The headers of a message: its number, the time of the attempt, a signature by each secret.

    `number` is the same whenever the message is sent again, and has no full stop in it.
    """
    time = str(int(at.timestamp()))
    content = f"{number}.{time}.".encode() + body
    return {
        "webhook-id": number,
        "webhook-timestamp": time,
        "webhook-signature": " ".join(f"v1,{_signature(one, content)}" for one in secrets),
    }


def _signature(secret: str, content: bytes) -> str:
    key = b64decode(secret.removeprefix(PREFIX))
    return b64encode(hmac.digest(key, content, "sha256")).decode()
