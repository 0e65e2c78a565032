"""Whether a delivery comes from who knows the connection's secret, and which delivery it is."""

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import token_bytes

PREFIX = "whsec_"
LATE = timedelta(minutes=5)  # how far a signed time may be from ours
# What senders call the number of a delivery, the surest first: a repetition has the same one.
_NUMBERS = ("X-GitHub-Delivery", "Webhook-Id", "Idempotency-Key", "X-Gitlab-Event-UUID")


def new_secret() -> str:
    """A secret in the form of Standard Webhooks; every other sender takes it as a plain text."""
    return PREFIX + b64encode(token_bytes(32)).decode()


def is_proven(headers: Mapping[str, str], body: bytes, secret: str, at: datetime) -> bool:
    """Whether whoever sent `body`, as it came, knows `secret`.

    GitHub (Gitea, Forgejo) and Standard Webhooks sign the body; GitLab sends the secret in a header
    of its own, Alertmanager and whatever speaks HTTP as bearer token.
    """
    if "X-Hub-Signature-256" in headers:
        return _same(headers["X-Hub-Signature-256"], f"sha256={_hmac(secret.encode(), body).hex()}")
    if "X-Gitlab-Token" in headers:
        return _same(headers["X-Gitlab-Token"], secret)
    if "Webhook-Signature" in headers:
        return _is_signed(headers, body, secret, at)
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return _same(token.strip(), secret) and scheme.lower() == "bearer"


def delivery_number(headers: Mapping[str, str]) -> str:
    """The sender's number of the delivery; empty where it gives none."""
    return next((headers[name] for name in _NUMBERS if headers.get(name)), "")


def _is_signed(headers: Mapping[str, str], body: bytes, secret: str, at: datetime) -> bool:
    """Standard Webhooks: number, time and body are signed; several signatures may be given."""
    number, time = headers.get("Webhook-Id", ""), headers.get("Webhook-Timestamp", "")
    signed = f"{number}.{time}.".encode() + body
    expected = b64encode(_hmac(b64decode(secret.removeprefix(PREFIX)), signed)).decode()
    given = headers["Webhook-Signature"].split()
    proven = any(_same(one, f"v1,{expected}") for one in given)
    return proven and _is_near(time, at)


def _is_near(time: str, at: datetime) -> bool:
    """Whether `time`, in seconds since 1970, is about now."""
    known = time.isascii() and time.isdigit() and len(time) < 12
    return known and abs(at.timestamp() - int(time)) <= LATE.total_seconds()


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, hashlib.sha256)


def _same(given: str, expected: str) -> bool:
    """In constant time; as bytes, for a header may hold anything."""
    return hmac.compare_digest(given.encode(errors="replace"), expected.encode())
