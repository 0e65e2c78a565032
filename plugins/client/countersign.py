#!/usr/bin/env python3
"""Ask Countersign before a sensitive step, wait, and run the step once it may run.

    countersign gate --project shop --environment production --action deploy -- ./deploy.sh

One file, standard library only, Python 3.8 or later. The address and the token come from
the environment (COUNTERSIGN_URL, COUNTERSIGN_TOKEN or COUNTERSIGN_TOKEN_FILE), never from the
command line. Whatever goes wrong, the command is not run without a permit that was read in
full, is issued, unexpired, and whose receipt names this very request.

Sections: what can end us, text, the portal over HTTP, what its answers mean, signatures,
checkpoints, what is asked, lines for people, signals, the gate, the single steps, policy files,
evidence bundles, options.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import hashlib
import http.client
import io
import json
import os
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile
import zlib
from datetime import datetime, timezone
from pathlib import Path
from typing import (
    Any,
    Callable,
    Dict,
    Iterable,
    Iterator,
    List,
    NamedTuple,
    Optional,
    Tuple,
    TypeVar,
)

VERSION = "0.1.0"

EXIT_PROBLEMS = 1
EXIT_USAGE = 64
EXIT_REFUSED = 65
EXIT_EXPIRED = 66
EXIT_DRIFT = 67
EXIT_UNREACHABLE = 69
EXIT_INTERNAL = 70

ASK = "/api/v1/requests"
POLL_SECONDS = 55  # how long the portal may hold one read open
REDEEM_SECONDS = 60  # the portal looks at the world again before it answers
RENEW_SECONDS = 300  # before its end a run token is renewed
IDENTITY = re.compile(r"ey[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
CALL_SECONDS = 20  # how long any other call may take
PAUSE_SECONDS = 15  # the longest pause between two tries
LOG_SECONDS = 60  # how often a log without a terminal hears that we still wait
WITHDRAW_SECONDS = 8  # runners kill about ten seconds after they ask us to stop
ANSWER_BYTES = 4 * 1024 * 1024
PLAN_BYTES = 2 * 1024 * 1024

Json = Dict[str, Any]
T = TypeVar("T")


# --- What can end us -------------------------------------------------------------------


class Stop(Exception):
    """Ends the client with an exit status and a sentence that says what to do."""

    def __init__(self, status: int, sentence: str, withdraw: bool = False) -> None:
        super().__init__(sentence)
        self.status = status
        self.withdraw = withdraw


class NoAnswer(Exception):
    """Nothing came back that reads as an answer of the portal: trying again is safe."""

    def __init__(self, sentence: str, pause: float = 0.0) -> None:
        super().__init__(sentence)
        self.pause = pause


class NotNow(NoAnswer):
    """The portal answers that it cannot go on now; the sentence is its own."""


class Problem(Exception):
    """The portal itself said no, as problem+json."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(sentence_of(body))
        self.status = status
        self.code = str(body.get("code"))
        self.body = body


class Cancelled(BaseException):
    """The runner or a person asked us to stop while nothing was running yet."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.signum = signum


def sentence_of(body: Json) -> str:
    """Detail and field messages of a problem, whatever their types turn out to be."""
    detail = str(body.get("detail") or body.get("title") or body.get("code"))
    errors = body.get("errors")
    listed = errors if isinstance(errors, list) else []
    fields = [error for error in listed if isinstance(error, dict)]
    more = [
        f"{error.get('field')}: {error.get('message')}"
        for error in fields
        if str(error.get("message")) not in detail  # the first one often is the detail
    ]
    return " ".join([detail, *more])


REFUSED = ("not-approved", "no-eligible-approver", "illegal-state", "already-running", "archived")


def stop_for(problem: Problem) -> Stop:
    """The exit status for a problem that no step of ours knows how to go on from."""
    if problem.status == 410:
        return Stop(EXIT_EXPIRED, str(problem))
    if problem.code == "drift":
        return Stop(EXIT_DRIFT, str(problem))
    if problem.status == 403 or problem.code in REFUSED:
        return Stop(EXIT_REFUSED, str(problem))
    return Stop(EXIT_USAGE, f"The portal refused the call ({problem.code}): {problem}")


# --- Text ------------------------------------------------------------------------------


# Fillers and selectors that count as letters, signs and marks, but nobody sees.
UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\U000e0100-\U000e01ef]"
)


def visible(text: object, limit: int = 1000) -> str:
    """Text from elsewhere, safe for a terminal: what is not printable becomes its escape."""
    out = []
    for char in str(text)[:limit]:
        category = unicodedata.category(char)
        if category[0] == "C" or category in ("Zl", "Zp") or UNSEEN.match(char):
            out.append(char.encode("unicode_escape", "surrogatepass").decode("ascii"))
        else:
            out.append(char)
    return "".join(out) + ("..." if len(str(text)) > limit else "")


def shown_value(value: object) -> str:
    """A fact's value the way a person reads it."""
    return visible(value if isinstance(value, str) else json.dumps(value), 200)


def seconds_of(text: str) -> float:
    """Seconds in 90, 90s, 30m, 24h or 2d."""
    match = re.fullmatch(r"([0-9]{1,8})([smhd]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 90s, 30m or 24h")
    return float(match.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[match.group(2)]


def duration(seconds: float) -> str:
    """Seconds the way a person says them: 42s, 3m 5s, 2h 10m."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60}s"
    return f"{whole // 3600}h {whole % 3600 // 60}m"


def moment(text: str) -> datetime:
    """An RFC 3339 UTC time, cut to whole seconds. Raises ValueError for anything else."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]00:00)", text):
        raise ValueError(f"{text!r} is not a UTC time")
    return datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)


# --- The portal over HTTP --------------------------------------------------------------


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token, or the answer, to somebody else's door."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Portal:
    """One portal and the token for it. Every call answers, or raises NoAnswer or Problem."""

    def __init__(self, address: str, token: Callable[[], str]) -> None:
        self.address = address
        self.token = token
        self._opener = urllib.request.build_opener(NoRedirect)

    def call(
        self,
        method: str,
        path: str,
        body: Optional[Json] = None,
        key: Optional[str] = None,
        seconds: float = CALL_SECONDS,
    ) -> Json:
        """The JSON object this call answers with. Waits at most about `seconds`."""
        request = urllib.request.Request(self.address + path, method=method)
        request.add_header("Accept", "application/json")
        request.add_header("User-Agent", f"countersign/{VERSION}")
        token = self.token()
        if token:
            # Unredirected: a proxy or redirect handler never sees it as a header to copy.
            request.add_unredirected_header("Authorization", f"Bearer {token}")
        if key is not None:
            request.add_header("Idempotency-Key", key)
        if body is not None:
            request.data = encoded(body)
            request.add_header("Content-Type", "application/json")
        deadline = time.monotonic() + seconds
        try:
            with self._opener.open(request, timeout=seconds) as response:
                if response.status not in (200, 201):
                    raise NoAnswer(f"the address answers {response.status}")
                return read_object(response, deadline)
        except urllib.error.HTTPError as error:
            with error:
                raise failure(error, deadline) from None
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(str(getattr(error, "reason", "") or error or repr(error))) from None


def encoded(body: Json) -> bytes:
    """The body as it is sent; a plan goes in as it stands, its numbers untouched."""
    rest = {name: value for name, value in body.items() if name != "plan_json"}
    text = json.dumps(rest)
    if "plan_json" in body:
        text = f'{text[:-1]}, "plan_json": {body["plan_json"]}}}'
    return text.encode()


def failure(error: urllib.error.HTTPError, deadline: float) -> Exception:
    """What an HTTP error means: a problem of the portal, or just no answer."""
    if 300 <= error.code < 400:
        return NoAnswer(f"it redirects to {error.headers.get('Location')}, not followed")
    if error.code >= 500 or error.code in (408, 425, 429):
        after = error.headers.get("Retry-After") or ""
        pause = min(float(after), 60.0) if re.fullmatch(r"[0-9]{1,6}", after) else 0.0
        body = read_problem(error, deadline)
        if body is not None:
            return NotNow(sentence_of(body), pause)
        return NoAnswer(f"it answers {error.code} {error.reason}", pause)
    body = read_problem(error, deadline)
    if body is None:  # a proxy's own 403 or 404 page says nothing about the request
        return NoAnswer(f"it answers {error.code} without a problem code")
    return Problem(error.code, body)


def read_problem(error: urllib.error.HTTPError, deadline: float) -> Optional[Json]:
    """The problem that the portal answers with, or None for what is not the portal's own."""
    try:
        body = read_object(error, deadline)
    except (NoAnswer, OSError, http.client.HTTPException):
        return None
    return body if isinstance(body.get("code"), str) else None


def read_object(response: Any, deadline: float) -> Json:
    """The whole body as one JSON object, or NoAnswer."""
    kind = (response.headers.get("Content-Type") or "").split(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise NoAnswer(f"it answers {kind or 'without a content type'}, not JSON")
    raw = b""
    while True:
        chunk = response.read1(65536)
        raw += chunk
        if not chunk:
            break
        if len(raw) > ANSWER_BYTES or time.monotonic() > deadline:
            raise NoAnswer("its answer is too long or too slow")
    declared = response.headers.get("Content-Length")
    if declared is not None and declared != str(len(raw)):
        raise NoAnswer("its answer broke off half way")
    try:
        body = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise NoAnswer("its answer is not whole JSON") from None
    if not isinstance(body, dict):
        raise NoAnswer("its answer is not a JSON object")
    return body


def persist(act: Callable[[], T], until: float, say: "Say", withdraw: bool = False) -> T:
    """Does `act` until it answers, with growing random pauses; Stop 69 once `until` passes.

    `withdraw`: whether that Stop takes the request back.
    """
    tries = 0
    said: Optional[type] = None
    while True:
        try:
            answer = act()
        except NoAnswer as error:
            step = min(PAUSE_SECONDS, 0.5 * 2 ** min(tries, 8))
            pause = max(error.pause, step * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
            tries += 1
            told = isinstance(error, NotNow)
            if time.monotonic() + pause > until:
                reason = str(error) if told else f"The portal cannot be reached: {error}."
                raise Stop(EXIT_UNREACHABLE, f"{reason} Nothing was run.", withdraw) from None
            if said is not type(error):
                said = type(error)
                reason = f"Not now: {error}" if told else f"No answer from the portal: {error}."
                left = duration(until - time.monotonic())
                say.line("outage", f"{reason} Trying for {left}.")
            time.sleep(pause)
        else:
            if tries:
                say.line("answers-again", "The portal answers again.")
            return answer


# --- What its answers mean -------------------------------------------------------------

OPEN = ("submitted", "pending")
APPROVED = ("approved", "redeemed")
CLOSED = {
    "rejected": EXIT_REFUSED,
    "denied": EXIT_REFUSED,
    "withdrawn": EXIT_REFUSED,
    "superseded": EXIT_REFUSED,
    "revoked": EXIT_REFUSED,
    "expired": EXIT_EXPIRED,
}


def pick(body: Json, name: str, kind: type, pattern: str = "") -> Any:
    """A field of the type the contract names; anything else is not an answer."""
    value: Any = body.get(name)
    if type(value) is not kind:  # exact: in Python true is an int as well
        raise NoAnswer(f"its field {name} is not a {kind.__name__}")
    if pattern and not re.fullmatch(pattern, str(value)):
        raise NoAnswer(f"its field {name} has the wrong form")
    return value


ID = r"[0-9A-Za-z][0-9A-Za-z_-]{0,63}"  # goes into a path, so no slash and no dot
DIGEST = r"sha256:[0-9a-f]{64}"


class Request(NamedTuple):
    """One reading of a request."""

    id: str
    status: str
    version: int
    round: int
    digest: str
    url: str
    summary: str
    drift: List[Any]
    body: Json


def read_request(body: Json, known: Optional[Request] = None) -> Request:
    """A request read strictly, and the one we asked about if we did."""
    request = Request(
        pick(body, "id", str, ID),
        pick(body, "status", str),
        pick(body, "version", int),
        pick(body, "round", int),
        pick(body, "digest", str, DIGEST),
        pick(body, "url", str),
        pick(body, "summary", str),
        pick(body, "drift", list),
        body,
    )
    if request.status not in OPEN + APPROVED and request.status not in CLOSED:
        raise NoAnswer(f"it names a status this client does not know: {request.status}")
    if known is not None and (request.id, request.digest) != (known.id, known.digest):
        raise NoAnswer("it answers about another request")
    return request


class Permit(NamedTuple):
    """A permit that was read in full and is good to use now."""

    id: str
    expires_at: str
    heartbeat_seconds: int
    receipt: Json


def read_permit(body: Json, request: Request, run: Json) -> Permit:
    """The one place that says go. Raises NoAnswer or Stop for everything but a good permit."""
    fields = pick(body, "permit", dict)
    permit = Permit(
        pick(fields, "id", str, ID),
        pick(fields, "expires_at", str),
        pick(fields, "heartbeat_seconds", int),
        pick(body, "receipt", dict),
    )
    status = pick(fields, "status", str)
    if status == "expired" or is_past(permit.expires_at):
        raise Stop(EXIT_EXPIRED, f"The permit is over since {permit.expires_at}.")
    if status != "issued":
        why = "a permit is used once; start a new run attempt"
        raise Stop(EXIT_REFUSED, f"The permit of this run attempt is {status}: {why}.")
    if permit.heartbeat_seconds < 1:
        raise NoAnswer("its field heartbeat_seconds is not positive")
    predicate = pick(read_statement(permit.receipt), "predicate", dict)
    named = pick(predicate, "request", dict)
    if (named.get("id"), named.get("digest")) != (request.id, request.digest):
        raise Stop(EXIT_INTERNAL, "The receipt is for another request. Nothing was run.")
    if bare_run(pick(predicate, "run", dict)) != run:
        raise Stop(EXIT_INTERNAL, "The receipt is for another run. Nothing was run.")
    if predicate.get("decision") != "approved":
        raise Stop(EXIT_INTERNAL, "The receipt does not say approved. Nothing was run.")
    if is_past(pick(predicate, "expiresAt", str)):
        raise Stop(EXIT_EXPIRED, "The receipt is over. Nothing was run.")
    return permit


def read_start(body: Json, permit: Permit) -> None:
    """The portal has heard that we begin. Raises NoAnswer for anything else."""
    fields = pick(body, "permit", dict)
    if pick(fields, "id", str) != permit.id:
        raise NoAnswer("it answers about another permit")
    if pick(fields, "status", str) != "running":
        raise NoAnswer(f"it answers that the permit is {fields['status']}, not running")


def is_past(text: str) -> bool:
    try:
        return moment(text) <= datetime.now(timezone.utc)
    except ValueError as error:
        raise NoAnswer(str(error)) from None


PAYLOAD_TYPE = "application/vnd.in-toto+json"


def read_statement(envelope: Json) -> Json:
    """The statement inside a DSSE envelope; says nothing about its signature."""
    if envelope.get("payloadType") != PAYLOAD_TYPE:
        raise NoAnswer("its receipt has the wrong payload type")
    try:
        raw = base64.b64decode(pick(envelope, "payload", str), validate=True)
        statement = json.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise NoAnswer("its receipt cannot be decoded") from None
    if not isinstance(statement, dict):
        raise NoAnswer("its receipt holds no statement")
    return statement


# --- Signatures: ECDSA on P-256 with SHA-256, verification only ------------------------
# The standard library has no ECDSA. Only public values pass through here, so nothing needs
# to be constant in time; affine arithmetic is slow (about 20 ms) but short enough to review.

P = 2**256 - 2**224 + 2**192 + 2**96 - 1
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
Point = Optional[Tuple[int, int]]  # None is the point at infinity


def on_curve(point: Tuple[int, int]) -> bool:
    x, y = point
    return 0 <= x < P and 0 <= y < P and (y * y - (x * x * x - 3 * x + B)) % P == 0


def add(left: Point, right: Point) -> Point:
    if left is None:
        return right
    if right is None:
        return left
    (x1, y1), (x2, y2) = left, right
    if x1 == x2:
        if (y1 + y2) % P == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, P)
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, P)
    x3 = (slope * slope - x1 - x2) % P
    return x3, (slope * (x1 - x3) - y1) % P


def times(factor: int, point: Point) -> Point:
    total: Point = None
    while factor:
        if factor & 1:
            total = add(total, point)
        point = add(point, point)
        factor >>= 1
    return total


class Tables:
    """`times` for many factors of few points, by tables: about twelve times as fast."""

    def __init__(self) -> None:
        self._rows: Dict[Tuple[int, int], List[List[Point]]] = {}

    def times(self, factor: int, point: Tuple[int, int]) -> Point:
        if point not in self._rows:
            self._rows[point] = list(self._made(point))
        total: Point = None
        for row in self._rows[point]:
            total = add(total, row[factor & 255])
            factor >>= 8
        return total

    def _made(self, point: Point) -> Iterator[List[Point]]:
        """For each byte of a factor its 256 multiples."""
        for _ in range(32):
            row: List[Point] = [None]
            for _ in range(256):
                row.append(add(row[-1], point))
            point = row.pop()
            yield row


def verify_ecdsa(
    key: Tuple[int, int],
    message: bytes,
    signature: bytes,
    multiply: Callable[[int, Tuple[int, int]], Point] = times,
) -> bool:
    """Whether the DER signature over SHA-256 of the message was made with this key."""
    parts = der_integers(signature)
    if parts is None or not on_curve(key):
        return False
    r, s = parts
    if not (0 < r < N and 0 < s < N):
        return False
    inverse = pow(s, -1, N)
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    point = add(multiply(digest * inverse % N, G), multiply(r * inverse % N, key))
    return point is not None and point[0] % N == r


def der_integers(raw: bytes) -> Optional[Tuple[int, int]]:
    """r and s of a strict DER SEQUENCE of two INTEGERs (short lengths), else None."""
    if len(raw) < 8 or len(raw) > 72 or raw[0] != 0x30 or raw[1] != len(raw) - 2:
        return None
    numbers = []
    rest = raw[2:]
    for _ in range(2):
        if len(rest) < 3 or rest[0] != 0x02 or not 1 <= rest[1] <= min(33, len(rest) - 2):
            return None
        number, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        padded = len(number) > 1 and number[0] == 0 and number[1] < 0x80
        if number[0] >= 0x80 or padded:
            return None
        numbers.append(int.from_bytes(number, "big"))
    return None if rest else (numbers[0], numbers[1])


def pre_authentication_encoding(kind: str, payload: bytes) -> bytes:
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def permit_keys(document: Json) -> Dict[str, Tuple[int, int]]:
    """Keys of a keys.json that may sign permits, by kid. Raises ValueError."""
    keys = {}
    listed = document.get("keys")
    for key in listed if isinstance(listed, list) else []:
        fits = isinstance(key, dict) and (key.get("kty"), key.get("crv")) == ("EC", "P-256")
        if not fits or key.get("purpose") != "permit" or not isinstance(key.get("kid"), str):
            continue
        if key.get("status") in ("active", "retired"):
            x, y = (base64url_number(key.get(axis)) for axis in ("x", "y"))
            keys[key["kid"]] = (x, y)
    if not keys:
        raise ValueError("no P-256 key for permits in it")
    return keys


def base64url_number(text: object) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9A-Za-z_-]{43}", text):
        raise ValueError("a key coordinate has the wrong form")
    return int.from_bytes(base64.urlsafe_b64decode(text + "="), "big")


def signer_of(
    envelope: Json,
    keys: Dict[str, Tuple[int, int]],
    multiply: Callable[[int, Tuple[int, int]], Point] = times,
) -> Optional[str]:
    """The kid of a key that signed this envelope, or None."""
    kind, payload = envelope.get("payloadType"), envelope.get("payload")
    signatures = envelope.get("signatures")
    if not isinstance(kind, str) or not isinstance(payload, str):
        return None
    for entry in signatures[:8] if isinstance(signatures, list) else []:
        if not isinstance(entry, dict) or str(entry.get("keyid")) not in keys:
            continue
        try:
            message = pre_authentication_encoding(kind, base64.b64decode(payload, validate=True))
            signature = base64.b64decode(str(entry.get("sig")), validate=True)
        except ValueError:
            continue
        if verify_ecdsa(keys[str(entry["keyid"])], message, signature, multiply):
            return str(entry["keyid"])
    return None


def load_keys(path: str) -> Dict[str, Tuple[int, int]]:
    """Keys from a file. Raises Stop."""
    document = load_object(path)
    try:
        return permit_keys(document)
    except ValueError as error:
        raise Stop(EXIT_USAGE, f"{path}: {error}") from None


def load_object(path: str) -> Json:
    try:
        with Path(path).open(encoding="utf-8") as file:
            document = json.load(file)
    except (OSError, ValueError, RecursionError) as error:
        raise Stop(EXIT_USAGE, f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(document, dict):
        raise Stop(EXIT_USAGE, f"{path} does not hold a JSON object")
    return document


# --- Signatures: Ed25519, verification only (RFC 8032) ---------------------------------
# Affine as well: about 30 ms each, and a bundle has two or three.

Q = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, Q) % Q
ROOT_OF_MINUS_ONE = pow(2, (Q - 1) // 4, Q)
BASE = (
    0x216936D3CD6E53FEC0A4E231FDD6DC5C692CC7609525A7B2C9562D608F25D51A,
    0x6666666666666666666666666666666666666666666666666666666666666658,
)


def edwards_point(raw: bytes) -> Optional[Tuple[int, int]]:
    """The point that 32 bytes write, else None."""
    number = int.from_bytes(raw, "little")
    odd, y = number >> 255, number & (2**255 - 1)
    if len(raw) != 32 or y >= Q:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, Q) % Q
    x = pow(square, (Q + 3) // 8, Q)
    if x * x % Q != square:
        x = x * ROOT_OF_MINUS_ONE % Q
    if x * x % Q != square or (odd and not x):
        return None
    return (Q - x if x & 1 != odd else x), y


def edwards_add(left: Tuple[int, int], right: Tuple[int, int]) -> Tuple[int, int]:
    (x1, y1), (x2, y2) = left, right
    part = D * x1 * x2 * y1 * y2 % Q
    x = (x1 * y2 + x2 * y1) * pow(1 + part, -1, Q) % Q
    return x, (y1 * y2 + x1 * x2) * pow(1 - part, -1, Q) % Q


def edwards_times(factor: int, point: Tuple[int, int]) -> Tuple[int, int]:
    total = (0, 1)
    while factor:
        if factor & 1:
            total = edwards_add(total, point)
        point = edwards_add(point, point)
        factor >>= 1
    return total


def verify_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature over the message was made with this key."""
    key, commitment = edwards_point(public), edwards_point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or len(signature) != 64 or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    challenge = int.from_bytes(digest, "little") % L
    found = edwards_add(commitment, edwards_times(challenge, key))
    return edwards_times(scalar, BASE) == found


# --- Checkpoints: signed notes of C2SP, and trees of RFC 6962 --------------------------

SIGNATURE_LINE = re.compile("— ([^\\s+]+) ([A-Za-z0-9+/]+={0,2})")
NoteKeys = Dict[Tuple[str, bytes], bytes]  # by the name and the id that signatures carry


class Checkpoint(NamedTuple):
    """A log at a size, and the key that signed it."""

    origin: str
    size: int
    root: bytes
    key: str


def base64_bytes(text: str) -> bytes:
    """Strictly as it would be written. Raises ValueError."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("base64 with bits that belong to nothing")
    return data


def note_keys(vkeys: Iterable[str]) -> NoteKeys:
    """Keys that are written as name+id+key. Raises ValueError."""
    keys = {}
    for vkey in vkeys:
        name, _, rest = vkey.strip().partition("+")
        written, _, key = rest.partition("+")
        data = base64_bytes(key)
        if len(data) != 33 or data[0] != 1 or key_id(name, data) != written:
            raise ValueError(f"{vkey!r} is not an Ed25519 key written as name+id+key")
        keys[name, bytes.fromhex(written)] = data[1:]
    return keys


def key_id(name: str, data: bytes) -> str:
    return hashlib.sha256(name.encode() + b"\n" + data).hexdigest()[:8]


def opened_note(note: str, keys: NoteKeys) -> Checkpoint:
    """The checkpoint in a note that one of the keys signed. Raises ValueError."""
    text, _, lines = note.rpartition("\n\n")
    text, signer = text + "\n", ""
    for line in lines.splitlines()[:100]:
        found = SIGNATURE_LINE.fullmatch(line)
        data = base64_bytes(found[2]) if found else b""
        public = keys.get((found[1], data[:4])) if found else None
        if found is None:
            raise ValueError("a line below it is no signature")
        if public and not verify_ed25519(public, text.encode(), data[4:]):
            raise ValueError(f"the signature of {found[1]} is false")
        if public:
            signer = f"{found[1]}+{data[:4].hex()}"
    if not signer:
        raise ValueError("none of the keys signed it")
    origin, size, root = (*text.split("\n"), "", "")[:3]
    if not origin or not re.fullmatch(r"0|[1-9][0-9]{0,17}", size):
        raise ValueError("it is not a checkpoint")
    return Checkpoint(origin, int(size), base64_bytes(root), signer)


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A tree that grows to the right: of what is complete it keeps the roots alone."""

    def __init__(self) -> None:
        self.size = 0
        self._hashes: List[bytes] = []

    def push(self, height: int, found: bytes) -> None:
        """The next 2**height leaves, by the hash above them. Raises ValueError."""
        if self.size & ((1 << height) - 1):
            raise ValueError("a subtree in it begins where none can")
        self.size += 1 << height
        level = self.size >> height
        while not level & 1:
            found = hashlib.sha256(b"\x01" + self._hashes.pop() + found).digest()
            level >>= 1
        self._hashes.append(found)

    def root(self) -> bytes:
        if not self._hashes:
            return hashlib.sha256(b"").digest()
        *others, found = self._hashes
        for left in reversed(others):
            found = node_hash(left, found)
        return found


def goes_on(old: Checkpoint, new: Checkpoint, proof: List[bytes]) -> bool:
    """Whether the new log holds the old one unchanged (RFC 9162 section 2.1.4.2)."""
    if not 0 < old.size <= new.size:
        return False
    if old.size == new.size:
        return not proof and old.root == new.root
    hashes = [old.root, *proof] if old.size & (old.size - 1) == 0 else proof
    node, last = old.size - 1, new.size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    if not hashes:
        return False
    before = after = hashes[0]
    for sibling in hashes[1:]:
        if not last:
            return False
        if node & 1 or node == last:
            before, after = node_hash(sibling, before), node_hash(sibling, after)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            after = node_hash(after, sibling)
        node, last = node >> 1, last >> 1
    return not last and (before, after) == (old.root, new.root)


# --- What is asked ---------------------------------------------------------------------


def gitlab_run(env: Dict[str, str]) -> Json:
    """A job of GitLab CI. Its job id is new at every retry, so the attempt is always 1."""
    return {
        "id": env["CI_JOB_ID"],
        "attempt": 1,
        "url": env.get("CI_JOB_URL"),
        "pipeline": env.get("CI_PIPELINE_NAME") or env.get("CI_PIPELINE_ID"),
        "job": env.get("CI_JOB_NAME"),
        "actor": env.get("GITLAB_USER_LOGIN"),
        "system": "gitlab",
    }


def github_run(env: Dict[str, str]) -> Json:
    """A run attempt of GitHub Actions."""
    attempt = env.get("GITHUB_RUN_ATTEMPT", "1")
    server, repository = env.get("GITHUB_SERVER_URL"), env.get("GITHUB_REPOSITORY")
    base = f"{server}/{repository}/actions/runs/{env['GITHUB_RUN_ID']}/attempts/{attempt}"
    return {
        "id": env["GITHUB_RUN_ID"],
        "attempt": int(attempt) if attempt.isdigit() else 1,
        "url": base if server and repository else None,
        "pipeline": env.get("GITHUB_WORKFLOW"),
        "job": env.get("GITHUB_JOB"),
        "actor": env.get("GITHUB_TRIGGERING_ACTOR") or env.get("GITHUB_ACTOR"),
        "system": "github",
    }


def ci_run(env: Dict[str, str]) -> Optional[Json]:
    """The run we are in, as far as the CI system says so."""
    if env.get("GITHUB_ACTIONS") and env.get("GITHUB_RUN_ID"):
        return github_run(env)
    if env.get("CI_JOB_ID") and env.get("CI_PIPELINE_ID"):
        return gitlab_run(env)
    return None


def ci_commit(env: Dict[str, str]) -> Tuple[Optional[str], Optional[str]]:
    """Commit and full ref of the run we are in."""
    if env.get("GITHUB_ACTIONS"):
        return env.get("GITHUB_SHA"), env.get("GITHUB_REF")
    ref = None
    if env.get("CI_COMMIT_TAG"):
        ref = "refs/tags/" + env["CI_COMMIT_TAG"]
    elif env.get("CI_COMMIT_BRANCH"):
        ref = "refs/heads/" + env["CI_COMMIT_BRANCH"]
    return env.get("CI_COMMIT_SHA"), ref


def full_run(options: argparse.Namespace, env: Dict[str, str], invent: bool) -> Json:
    """Who asks: the CI system's facts, overridden by options, or an id for this process."""
    run = dict(ci_run(env) or {})
    if options.run_id:
        run["id"] = options.run_id
    elif not run and invent:
        run["id"] = "process-" + uuid.uuid4().hex
    if not run.get("id"):
        raise Stop(EXIT_USAGE, "Give --run-id: the id that the request was made with.")
    run["attempt"] = options.run_attempt or run.get("attempt") or 1
    run["url"] = getattr(options, "run_url", None) or run.get("url")
    return {name: value for name, value in run.items() if value is not None}


def bare_run(run: Json) -> Json:
    return {"id": run.get("id"), "attempt": run.get("attempt")}


class Number(str):
    """A number of a JSON text, with the digits it was written with."""


def plan_text(path: str) -> str:
    """The canonical text of a plan that terraform show -json wrote to a file: RFC 8785 but for the
    digits of numbers, without the time of planning. Raises Stop."""
    try:
        plan = json.loads(
            Path(path).read_text(encoding="utf-8"),
            parse_int=Number,
            parse_float=Number,
            parse_constant=not_json,
        )
        if not isinstance(plan, dict):
            raise ValueError("it holds no JSON object")
        text = canonical({name: value for name, value in plan.items() if name != "timestamp"})
        size = len(text.encode())
    except (OSError, ValueError, RecursionError) as error:
        raise Stop(EXIT_USAGE, f"{path} cannot be read as a plan: {error}") from None
    if size > PLAN_BYTES:
        raise Stop(EXIT_USAGE, f"{path} has {size} bytes; the portal takes {PLAN_BYTES}.")
    return text


def canonical(value: Any) -> str:
    """JSON with sorted members and without white space."""
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return "{" + ",".join(f"{quoted(name)}:{canonical(value[name])}" for name in names) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item) for item in value) + "]"
    return value if isinstance(value, Number) else quoted(value)


def quoted(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def use_plan(options: argparse.Namespace) -> Json:
    """The plan to send, if one was given; its digest becomes the subject's. Raises Stop."""
    if not options.plan_json:
        return {}
    text = plan_text(options.plan_json)
    digest = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    if options.plan not in (None, digest):
        raise Stop(EXIT_USAGE, f"--plan is not the digest of {options.plan_json}: {digest}")
    options.plan = digest
    return {"plan_json": text}


def subject_of(options: argparse.Namespace, env: Dict[str, str]) -> Json:
    """What the action is done with. Without any option: the commit of the CI run."""
    subject = {name: getattr(options, name) for name in ("commit", "ref", "artifact", "plan")}
    commit, ref = ci_commit(env)
    if not any(subject[name] for name in ("commit", "artifact", "plan")):
        subject["commit"] = commit
    if subject["commit"] and subject["commit"] == commit and not subject["ref"]:
        subject["ref"] = ref
    given = {name: value for name, value in subject.items() if value}
    if not given.keys() & {"commit", "artifact", "plan"}:
        raise Stop(EXIT_USAGE, "Say what is acted on: --commit, --artifact or --plan.")
    return given


def claims_of(pairs: List[str]) -> Json:
    """name=value pairs; a value that is JSON keeps its type, anything else is text."""
    claims: Json = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not found or not name or name in claims:
            raise Stop(EXIT_USAGE, f"--claim {pair!r}: give each name once, as name=value.")
        try:
            claims[name] = json.loads(value, parse_constant=not_json)
        except ValueError:
            claims[name] = value
    return claims


def not_json(word: str) -> None:
    raise ValueError(word)


def request_body(options: argparse.Namespace, env: Dict[str, str]) -> Json:
    plan = use_plan(options)
    body: Json = {
        "project": options.project,
        "environment": options.environment,
        "action": options.action,
        "subject": subject_of(options, env),
        "run": full_run(options, env, invent=True),
    }
    optional = (
        ("reason", options.reason),
        ("labels", options.label),
        ("claims", claims_of(options.claim)),
    )
    body.update({name: value for name, value in optional if value})
    return dict(body, **plan)


def key_of(options: argparse.Namespace, body: Json) -> str:
    """The idempotency key: the same run attempt asking the same thing is the same request."""
    if options.idempotency_key:
        return str(options.idempotency_key)
    whole = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return "countersign-" + hashlib.sha256(whole.encode()).hexdigest()


# --- Lines for people ------------------------------------------------------------------


class Say:
    """Words on standard error. On a terminal the status is one line, redrawn in place.

    In a log a line comes when something changes, and one a minute while nothing does.
    """

    def __init__(self, stream: Any, as_json: bool) -> None:
        self._stream = stream
        self._as_json = as_json
        self._live = not as_json and stream.isatty() and os.environ.get("TERM") != "dumb"
        self.secrets: List[str] = []  # never shown, wherever the text comes from
        self._lock = threading.RLock()
        self._status = ""
        self._since = time.monotonic()

    def line(self, event: str, text: str, **more: object) -> None:
        """One lasting line."""
        if self._as_json:
            now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
            record = dict(more, time=now, event=event, text=text)
            self._write(self._hide(json.dumps(record)) + "\n")
            return
        clear = "\r\x1b[K" if self._live and self._status else ""
        self._write(f"{clear}countersign: {visible(self._hide(text))}\n")
        self._redraw()

    def status(self, text: str) -> None:
        """What we wait for now; the same words again say nothing."""
        if text == self._status:
            return
        self._status = text
        if self._live:
            self._redraw()
        else:
            self.line("status", text)

    def bar(self, done: int, total: int, what: str) -> None:
        """How far we are, for who watches; a log hears nothing of it."""
        if self._live:
            filled = 20 * min(done, total) // max(total, 1)
            shown = "#" * filled + "." * (20 - filled)
            self.status(f"[{shown}] {done:,} of {total:,} {what}")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Keeps the status line moving for as long as the block lasts."""
        done = threading.Event()
        ticker = threading.Thread(target=self._tick, args=(done,), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            done.set()
            if self._live and self._status:
                self._write("\r\x1b[K")
            self._status = ""

    def _tick(self, done: threading.Event) -> None:
        while not done.wait(1.0 if self._live else LOG_SECONDS):
            if self._live:
                self._redraw()
            elif self._status:
                self.line("status", f"{self._status} ({self._elapsed()})")

    def _elapsed(self) -> str:
        return duration(time.monotonic() - self._since)

    def _redraw(self) -> None:
        status = self._status
        if self._live and status:
            width = max(shutil.get_terminal_size().columns - 1, 20)
            text = visible(self._hide(f"{status} ({self._elapsed()})"))
            self._write("\r\x1b[K" + text[:width])

    def _hide(self, text: str) -> str:
        for secret in filter(None, self.secrets):
            text = text.replace(secret, "[token]")
        return text

    def _write(self, text: str) -> None:
        # A closed log must neither stop a running command nor its heartbeats.
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


def show_fact(say: Say, fact: object) -> None:
    if isinstance(fact, dict):
        old, new = shown_value(fact.get("old")), shown_value(fact.get("new"))
        text = f"Drift: {visible(fact.get('fact'), 100)} was {old}, is now {new}."
        say.line("drift", text, drift=fact)


# --- Waiting ---------------------------------------------------------------------------


def read_now(portal: Portal, request_id: str, until: float, say: Say) -> Request:
    path = f"/api/v1/requests/{request_id}"
    return persist(lambda: read_request(portal.call("GET", path)), until, say)


def next_version(portal: Portal, request: Request, deadline: float, say: Say) -> Request:
    """The next version of the request. Rides out an outage until the deadline."""

    def read() -> Request:
        wait = int(min(POLL_SECONDS, max(deadline - time.monotonic(), 0)))
        path = f"/api/v1/requests/{request.id}?wait={wait}&after={request.version}"
        return read_request(portal.call("GET", path, seconds=wait + 15), request)

    started = time.monotonic()
    if started >= deadline:
        text = "No decision came within --timeout. Nothing was run."
        raise Stop(EXIT_EXPIRED, text, withdraw=True)
    new = persist(read, deadline, say, withdraw=True)
    if new.version <= request.version and time.monotonic() - started < 1:
        time.sleep(1)  # something on the way does not let the read wait
    return new


def closed(request: Request) -> Stop:
    """Why a closed request ends the wait."""
    reasons = [request.summary]
    verdict = request.body.get("verdict")
    lines = verdict.get("explanation") if isinstance(verdict, dict) else None
    if request.status == "denied" and isinstance(lines, list):
        reasons += [str(line) for line in lines[:20]]
        reasons += remedies(verdict)
    decisions = request.body.get("decisions")
    for decision in decisions[-20:] if isinstance(decisions, list) else []:
        if isinstance(decision, dict) and decision.get("outcome") == "reject":
            reasons.append(f"{decision.get('person')}: {decision.get('comment')}")
    text = " ".join(visible(reason) for reason in reasons)
    return Stop(CLOSED[request.status], f"{request.status.capitalize()}. {text}")


def remedies(verdict: object) -> List[str]:
    """What would make the request pass, rule by rule; nothing from a portal that does not say."""
    rules = verdict.get("rules") if isinstance(verdict, dict) else None
    found = [rule.get("remedy") for rule in rules or [] if isinstance(rule, dict)]
    return [f"To pass: {remedy}" for remedy in found[:20] if remedy]


# --- Signals ---------------------------------------------------------------------------


class Signals:
    """While we wait a signal cancels; once the command runs it is passed on to it."""

    def __init__(self) -> None:
        self.child: Optional[subprocess.Popen[bytes]] = None
        self._hold = False
        self._held: List[int] = []

    def listen(self) -> None:
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._arrive)

    def stop_raising(self) -> None:
        """From here on nothing is cancelled: signals wait for the command, or are moot."""
        self._hold = True

    def attach(self, child: subprocess.Popen[bytes]) -> None:
        self.child = child
        for signum in self._held:
            self._forward(signum)

    def _arrive(self, signum: int, _: object) -> None:
        if self.child is not None:
            self._forward(signum)
        elif self._hold:
            self._held.append(signum)
        else:
            self.stop_raising()
            raise Cancelled(signum)

    def _forward(self, signum: int) -> None:
        if signum == signal.SIGINT and in_foreground():
            return  # the terminal has sent it to the command already; twice means "now"
        if self.child is not None:
            with contextlib.suppress(ProcessLookupError):
                self.child.send_signal(signum)


def in_foreground() -> bool:
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False


# --- The gate --------------------------------------------------------------------------


def submit(portal: Portal, body: Json, key: str, until: float, say: Say) -> Request:
    """The request for this question; the same key and question find the same request."""
    request = persist(lambda: read_request(portal.call("POST", ASK, body, key)), until, say)
    page = visible(request.url)
    say.line("asked", f"Request {request.id}: {page}", request=request.id)
    return request


def redeem(portal: Portal, request: Request, run: Json, until: float, say: Say) -> Permit:
    """The permit of an approved request. The same run attempt gets the same one again."""
    path = f"/api/v1/requests/{request.id}/redeem"
    body = {"run": run, "digest": request.digest}

    def act() -> Permit:
        answer = portal.call("POST", path, body, seconds=REDEEM_SECONDS)
        return read_permit(answer, request, run)

    return persist(act, until, say, withdraw=True)


def check_signature(receipt: Json, keys_file: Optional[str]) -> None:
    """Raises Stop unless a key of the file, if one is given, signed the receipt."""
    if keys_file and signer_of(receipt, load_keys(keys_file)) is None:
        text = f"The receipt is not signed by a key of {keys_file}. Nothing was run."
        raise Stop(EXIT_INTERNAL, text)


class Gate:
    """Ask, wait, redeem, run, report."""

    def __init__(self, portal: Portal, options: argparse.Namespace, body: Json, say: Say) -> None:
        self.portal = portal
        self.options = options
        self.body = body
        self.key = key_of(options, body)
        self.run = bare_run(body["run"])
        self.starter = uuid.uuid4().hex  # tells this process from others of the same run attempt
        self.say = say
        self.deadline = time.monotonic() + options.timeout
        self.request: Optional[Request] = None
        self.drifts = 0

    def ask(self) -> Request:
        """Submits, or finds again, the request."""
        until = min(self.deadline, time.monotonic() + self.options.retry_for)
        self.request = submit(self.portal, self.body, self.key, until, self.say)
        return self.request

    def permit(self) -> Permit:
        """Waits until the request is approved and redeems it. Raises Stop."""
        request = self.ask()
        while True:
            self.watch(request)
            if request.status in APPROVED:
                permit = self.redeem(request)
                if permit is not None:
                    return permit
            request = self.request = next_version(self.portal, request, self.deadline, self.say)

    def watch(self, request: Request) -> None:
        """Says what is new; ends when it is closed or at the drift limit."""
        if request.round - 1 > self.drifts:
            self.drifted(request.round - 1, request.drift)
        if request.status in CLOSED:
            raise closed(request)
        self.say.status(request.summary)
        if self.drifts >= self.options.max_drift:
            times_said = f"The world moved {self.drifts} times between approval and redeem"
            raise Stop(EXIT_DRIFT, f"{times_said}. Nothing was run.", withdraw=True)

    def drifted(self, count: int, facts: List[Any]) -> None:
        self.drifts = count
        for fact in facts[:20]:
            show_fact(self.say, fact)

    def redeem(self, request: Request) -> Optional[Permit]:
        """The permit, or None when the request went back to waiting."""
        try:
            permit = redeem(self.portal, request, self.run, self.deadline, self.say)
        except Problem as problem:
            if problem.code == "drift":
                facts = problem.body.get("drift")
                self.drifted(self.drifts + 1, facts if isinstance(facts, list) else [])
                return None
            if problem.code in ("not-approved", "illegal-state"):
                return None  # it moved under us: the next reading says where to
            raise
        check_signature(permit.receipt, self.options.keys)
        return permit

    def withdraw(self, reason: str) -> None:
        """Takes the request back as well as that can be done within a few seconds."""

        def act() -> Json:
            request = self.request
            if request is None:  # cancelled while asking: the key tells whether it arrived
                call = self.portal.call("POST", ASK, self.body, self.key, seconds=5)
                request = self.request = read_request(call)
            path = f"/api/v1/requests/{request.id}/withdraw"
            return self.portal.call("POST", path, {"run": self.run, "reason": reason}, seconds=5)

        try:
            persist(act, time.monotonic() + WITHDRAW_SECONDS, self.say)
            self.say.line("withdrawn", f"Request withdrawn: {reason}.")
        except (Stop, Problem) as error:
            self.say.line("not-withdrawn", f"The request could not be withdrawn: {error}")

    def begin(self, permit: Permit) -> None:
        """Tells the portal that the command begins, and waits until it has heard of it.

        Every process of the run attempt holds this permit; the portal lets one of them begin.
        Raises Stop or Problem, and then nothing may be run.
        """

        def act() -> None:
            read_start(self.tell_alive(permit), permit)

        persist(act, time.monotonic() + self.options.retry_for, self.say)

    def tell_alive(self, permit: Permit) -> Json:
        path = f"/api/v1/permits/{permit.id}/heartbeat"
        return self.portal.call("POST", path, {"run": self.run, "starter": self.starter})

    def finish(self, permit: Permit, status: int) -> None:
        """Reports how it ended. The exit status stays the command's, whatever comes of it."""

        def act() -> Json:
            path = f"/api/v1/permits/{permit.id}/finish"
            outcome = "failed" if status else "succeeded"
            body = {"run": self.run, "outcome": outcome, "exit_code": status}
            return self.portal.call("POST", path, {**body, "starter": self.starter})

        try:
            persist(act, time.monotonic() + self.options.retry_for, self.say)
        except (Stop, Problem) as error:
            self.say.line("not-reported", f"The end could not be reported: {error}")

    def execute(self, command: List[str], permit: Permit, signals: Signals) -> int:
        """Runs the command with the permit in its environment; its exit status."""
        try:
            path = write_receipt(permit.receipt, self.options.receipt_file)
        except Stop:
            self.finish(permit, EXIT_INTERNAL)  # nothing runs with this permit any more
            raise
        over = threading.Event()
        beats = threading.Thread(target=self.beat, args=(permit, over), daemon=True)
        try:
            beats.start()
            child = subprocess.Popen(command, env=self.child_environment(permit, path))
            signals.attach(child)
            ended = child.wait()
        except OSError as error:
            self.say.line("not-started", f"{command[0]} cannot be started: {error}")
            return 127 if isinstance(error, FileNotFoundError) else 126
        finally:
            over.set()
            if not self.options.receipt_file:
                with contextlib.suppress(FileNotFoundError):  # the command may have taken it
                    Path(path).unlink()
        return 128 - ended if ended < 0 else ended

    def child_environment(self, permit: Permit, receipt: str) -> Dict[str, str]:
        secret = ("COUNTERSIGN_TOKEN", "COUNTERSIGN_TOKEN_FILE")
        env = {name: value for name, value in os.environ.items() if name not in secret}
        env["COUNTERSIGN_PERMIT_ID"] = permit.id
        env["COUNTERSIGN_REQUEST_ID"] = self.request.id if self.request else ""
        env["COUNTERSIGN_RECEIPT_FILE"] = receipt
        return env

    def beat(self, permit: Permit, over: threading.Event) -> None:
        """Heartbeats until the command is over. A missed one is said, never fatal to it."""
        missed = False
        while not over.wait(min(permit.heartbeat_seconds, 5 if missed else 3600)):
            try:
                self.tell_alive(permit)
                missed = False
            except (NoAnswer, Problem) as error:
                if not missed and not over.is_set():
                    self.say.line("heartbeat", f"The portal misses our heartbeat: {error}")
                missed = True


def write_receipt(receipt: Json, path: Optional[str]) -> str:
    """Writes the receipt for its owner's eyes only; the path. Raises Stop."""
    try:
        if path is None:
            handle, path = tempfile.mkstemp(prefix="countersign-", suffix=".json")
        else:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            Path(path).chmod(0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(receipt, file)
            file.write("\n")
    except OSError as error:
        raise Stop(EXIT_INTERNAL, f"The receipt cannot be written: {error}") from None
    return path


def gate(options: argparse.Namespace, say: Say) -> int:
    """The whole arc; the exit status."""
    if not options.command:
        raise Stop(EXIT_USAGE, "Give the command to run after --.")
    work = Gate(
        portal_of(say, options.project), options, request_body(options, dict(os.environ)), say
    )
    if options.keys:
        load_keys(options.keys)  # a broken file is better known before anybody is asked
    signals = Signals()
    signals.listen()
    permit: Optional[Permit] = None
    try:
        with say.waiting():
            permit = work.permit()
            say.status("Approved; telling the portal that the command begins.")
            work.begin(permit)
        signals.stop_raising()
    except Cancelled as cancelled:
        name = signal.Signals(cancelled.signum).name
        say.line("cancelled", f"Stopped by {name} before the command ran.")
        if permit is None:
            work.withdraw(f"the run was stopped by {name}")
        else:
            work.finish(permit, 128 + cancelled.signum)
        return 128 + cancelled.signum
    except Stop as stop:
        if stop.withdraw:
            signals.stop_raising()
            work.withdraw("the run stopped waiting")
        raise
    say.line("go", f"Approved: permit {permit.id} until {visible(permit.expires_at, 40)}.")
    status = work.execute(options.command, permit, signals)
    work.finish(permit, status)
    return status


# --- The single steps ------------------------------------------------------------------


def show(options: argparse.Namespace, body: Json, *lines: str) -> None:
    """The answer on standard output: as it came, or in words."""
    print(json.dumps(body, indent=2) if options.json else "\n".join(map(visible, lines)))


def ask_step(options: argparse.Namespace, say: Say) -> int:
    body = request_body(options, dict(os.environ))
    until = time.monotonic() + options.retry_for
    request = submit(portal_of(say, options.project), body, key_of(options, body), until, say)
    if request.status in CLOSED:
        raise closed(request)
    say.line("status", f"{request.summary} The run is {body['run']['id']}.")
    show(options, request.body, request.id)
    return 0


def token_step(options: argparse.Namespace, say: Say) -> int:
    """Prints the run token, for steps that are processes of their own."""
    portal = portal_of(say, options.project)
    until = time.monotonic() + options.retry_for
    token = persist(portal.token, until, say)
    show(options, {"token": token}, token)
    return 0


def wait_step(options: argparse.Namespace, say: Say) -> int:
    portal = portal_of(say)
    deadline = time.monotonic() + options.timeout
    with say.waiting():
        request = read_now(portal, options.id, deadline, say)
        while request.status in OPEN:
            say.status(request.summary)
            request = next_version(portal, request, deadline, say)
    if request.status in CLOSED:
        raise closed(request)
    show(options, request.body, request.summary)
    return 0


def redeem_step(options: argparse.Namespace, say: Say) -> int:
    portal = portal_of(say)
    run = bare_run(full_run(options, dict(os.environ), invent=False))
    until = time.monotonic() + options.retry_for
    request = read_now(portal, options.id, until, say)
    if options.digest and options.digest != request.digest:
        raise Stop(EXIT_REFUSED, f"The request's digest is {request.digest}, not --digest.")
    try:
        permit = redeem(portal, request, run, until, say)
    except Problem as problem:
        facts = problem.body.get("drift")
        for fact in facts if problem.code == "drift" and isinstance(facts, list) else []:
            show_fact(say, fact)
        raise
    check_signature(permit.receipt, options.keys)
    if options.receipt_file:
        write_receipt(permit.receipt, options.receipt_file)
    answer = {"permit": {"id": permit.id, "expires_at": permit.expires_at}}
    show(options, dict(answer, receipt=permit.receipt), permit.id)
    return 0


def finish_step(options: argparse.Namespace, say: Say) -> int:
    run = bare_run(full_run(options, dict(os.environ), invent=False))
    code = options.exit_code
    outcome = options.outcome or ("failed" if code else "succeeded")
    body = {"run": run, "outcome": outcome, "exit_code": code}
    return simple_step(options, say, f"/api/v1/permits/{options.id}/finish", body, outcome)


def withdraw_step(options: argparse.Namespace, say: Say) -> int:
    run = bare_run(full_run(options, dict(os.environ), invent=False))
    body = {"run": run, "reason": options.reason}
    return simple_step(options, say, f"/api/v1/requests/{options.id}/withdraw", body, "withdrawn")


def simple_step(options: argparse.Namespace, say: Say, path: str, body: Json, word: str) -> int:
    portal = portal_of(say)
    until = time.monotonic() + options.retry_for
    show(options, persist(lambda: portal.call("POST", path, body), until, say), word)
    return 0


def verify_step(options: argparse.Namespace, say: Say) -> int:
    """Checks a receipt offline, or with keys fetched once."""
    document = load_object(options.receipt)
    inner = document.get("receipt")  # the whole answer of redeem will do as well
    envelope = inner if isinstance(inner, dict) else document
    if bool(options.keys) == bool(options.url):
        raise Stop(EXIT_USAGE, "Give either --keys or --url.")
    keys = load_keys(options.keys) if options.keys else fetch_keys(options.url, say)
    kid = signer_of(envelope, keys)
    if kid is None:
        raise Stop(EXIT_REFUSED, "Not signed by any of these keys. Do not trust this receipt.")
    try:
        statement = read_statement(envelope)
        predicate = pick(statement, "predicate", dict)
        check_expected(options, statement, predicate)
        if options.unexpired and is_past(pick(predicate, "expiresAt", str)):
            raise Stop(EXIT_EXPIRED, f"Well signed, but over since {predicate['expiresAt']}.")
    except NoAnswer as error:
        raise Stop(EXIT_REFUSED, f"Well signed, but not a receipt: {error}") from None
    show(options, statement, *receipt_words(kid, statement, predicate))
    return 0


STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://countersign.dev/approval/v0.1"


def check_expected(options: argparse.Namespace, statement: Json, predicate: Json) -> None:
    """The receipt is an approval, and of what the caller expects."""
    kind = (statement.get("_type"), statement.get("predicateType"), predicate.get("decision"))
    if kind != (STATEMENT_TYPE, PREDICATE_TYPE, "approved"):
        raise Stop(EXIT_REFUSED, "Well signed, but not an approval.")
    for name in ("project", "environment", "action"):
        wanted, said = getattr(options, name), predicate.get(name)
        if wanted and wanted != said:
            raise Stop(EXIT_REFUSED, f"The receipt is for {name} {said}, not {wanted}.")
    digests = subject_digests(statement)
    for name in ("commit", "artifact", "plan"):
        wanted = getattr(options, name)
        if wanted and digests.get(name) != wanted.rpartition(":")[2].lower():
            raise Stop(EXIT_REFUSED, f"The receipt is for {name} {digests.get(name)}.")
    any_of = options.subject and options.subject.rpartition(":")[2].lower()
    if any_of and any_of not in digests.values():
        named = ", ".join(f"{name} {digest}" for name, digest in digests.items())
        raise Stop(EXIT_REFUSED, f"The receipt is for {named}, not for {any_of}.")


def subject_digests(statement: Json) -> Dict[str, str]:
    """The hexadecimal digest of each subject, by name."""
    digests = {}
    for subject in pick(statement, "subject", list):
        if isinstance(subject, dict) and isinstance(subject.get("digest"), dict):
            for value in subject["digest"].values():
                digests[str(subject.get("name"))] = str(value)
    return digests


def receipt_words(kid: str, statement: Json, predicate: Json) -> List[str]:
    """What the receipt says, one thing a line."""
    place = " / ".join(str(predicate.get(name)) for name in ("project", "environment", "action"))
    lines = [f"Good signature by key {kid}", place]
    lines += [f"{name} {digest}" for name, digest in subject_digests(statement).items()]
    named = predicate.get("request")
    if isinstance(named, dict):
        lines.append(f"request {named.get('id')} {named.get('digest')}")
    approvers = predicate.get("approvers")
    for person in approvers if isinstance(approvers, list) else []:
        if isinstance(person, dict):
            who = person.get("name") or person.get("ref")
            lines.append(f"approved by {who} at {person.get('at')}")
    lines.append(f"valid from {predicate.get('notBefore')} until {predicate.get('expiresAt')}")
    return lines


def fetch_keys(address: str, say: Say) -> Dict[str, Tuple[int, int]]:
    portal = Portal(checked_address(address, say), lambda: "")
    path = "/.well-known/countersign/keys.json"
    document = persist(lambda: portal.call("GET", path), time.monotonic() + 10, say)
    try:
        return permit_keys(document)
    except ValueError as error:
        raise Stop(EXIT_UNREACHABLE, f"The keys of {address} cannot be read: {error}") from None


# --- Policy files ----------------------------------------------------------------------

CHECK = "/api/v1/policies/check"
EXPLAIN = "/api/v1/policies/explain"
BACKTEST = "/api/v1/policies/backtest"
DOCUMENT_BYTES = 64 * 1024


def policy_step(options: argparse.Namespace, say: Say) -> int:
    """Asks the portal about documents in files: its own loader, groups, facts."""
    about = explained_about(options)
    portal = portal_of(say)
    until = time.monotonic() + options.retry_for
    last = options.last if options.verb == "backtest" else None
    answers = [asked_about(portal, path, about, last, until, say) for path in options.files]
    if options.json:
        ok = all(answer["ok"] for answer in answers)
        print(json.dumps({"ok": ok, "files": answers}, indent=2))
    else:
        for line in policy_words(options.verb, answers):
            print(line)
    return 0 if all(answer["ok"] for answer in answers) else EXIT_PROBLEMS


def asked_about(
    portal: Portal, path: str, about: Optional[Json], last: Optional[int], until: float, say: Say
) -> Json:
    """The answer about one file, with its name; `last` requests are judged again."""
    document, wrong = document_in(path)
    if wrong is not None:
        return {"file": path, "ok": False, "problems": [wrong]}
    if last is not None:
        again = {"document": document, "last": last}
        answer = persist(lambda: backtested(portal, again), until, say)
    elif about is None:
        answer = persist(lambda: checked(portal, document), until, say)
    else:
        body = dict(about, document=document)
        answer = persist(lambda: explained(portal, body), until, say)
    return dict(answer, file=path)


def explained_about(options: argparse.Namespace) -> Optional[Json]:
    """What explain shall judge; None for the other verbs. Raises Stop."""
    given = [name for name in ("request", "facts") if getattr(options, name)]
    if options.verb != "explain":
        if given:
            raise Stop(EXIT_USAGE, f"policy {options.verb} takes no --{given[0]}.")
        return None
    if len(given) != 1:
        raise Stop(EXIT_USAGE, "Give either --request or --facts: what shall be judged.")
    if options.facts:
        return {"facts": load_object(options.facts)}
    number = re.fullmatch(r"(?:R-)?([0-9]{1,18})", options.request)
    return {"request": int(number.group(1)) if number else options.request}


def document_in(path: str) -> Tuple[str, Optional[Json]]:
    """The text of a file, or what keeps it from being one. Raises Stop."""
    try:
        with Path(path).open("rb") as file:
            raw = file.read(DOCUMENT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise Stop(EXIT_USAGE, f"{path} cannot be read: {error}") from None
    if len(raw) > DOCUMENT_BYTES:
        return "", {"line": 1, "column": 1, "message": "the document is too large; at most 64 KiB"}
    try:
        return raw.decode("utf-8"), None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return "", {"line": line, "column": 1, "message": "the document is not valid UTF-8"}


def checked(portal: Portal, document: str) -> Json:
    """The answer about one document, whole."""
    answer = portal.call("POST", CHECK, {"document": document})
    pick(answer, "ok", bool)
    for found in placed(answer, "problems") + placed(answer, "groups"):
        pick(found, "message", str)
    for test in placed(answer, "tests"):
        pick(test, "name", str)
        pick(test, "passed", bool)
        pick(test, "differences", list)
    return answer


def explained(portal: Portal, body: Json) -> Json:
    """What one document says, whole."""
    answer = portal.call("POST", EXPLAIN, body)
    if pick(answer, "ok", bool):
        verdict = pick(answer, "verdict", dict)
        pick(verdict, "outcome", str)
        for rule in pick(verdict, "rules", list):
            pick(rule if isinstance(rule, dict) else {}, "sentence", str)
            pick(rule, "remedy", str)
    for found in placed(answer, "problems"):
        pick(found, "message", str)
    pick(answer, "matches", bool)
    return answer


def backtested(portal: Portal, body: Json) -> Json:
    """What one document would have said, whole."""
    answer = portal.call("POST", BACKTEST, body)
    pick(answer, "ok", bool)
    for number in ("replayed", "touched", "people_then", "people_now"):
        pick(answer, number, int)
    for found in placed(answer, "problems"):
        pick(found, "message", str)
    for name, words in (("changes", ("old", "new", "shift")), ("changed", ("url", "old", "new"))):
        for one in pick(answer, name, list):
            for word in words:
                pick(one if isinstance(one, dict) else {}, word, str)
    for rule in pick(answer, "rules", list):
        pick(rule if isinstance(rule, dict) else {}, "rule", str)
        pick(rule, "applies", int)
        pick(rule, "cannot_tell", int)
    return answer


def placed(answer: Json, name: str) -> List[Json]:
    """A list of things with a line and a column."""
    found = pick(answer, name, list)
    for one in found:
        pick(one if isinstance(one, dict) else {}, "line", int)
        pick(one, "column", int)
    return list(found)


def policy_words(verb: str, answers: List[Json]) -> Iterator[str]:
    """What editors and CI systems read: FILE:LINE:COLUMN: message. Last, the sum."""
    problems, tests, failed = 0, 0, 0
    for answer in answers:
        file = visible(answer["file"])
        for found in answer["problems"] + answer.get("groups", []):
            problems += 1
            yield place_words(file, found, found["message"])
        for test in answer.get("tests", []):
            tests += 1
            if not test["passed"]:
                failed += 1
                yield place_words(file, test, f"{test['name']}: {'; '.join(test['differences'])}")
            elif verb == "test":
                yield f"{file}: passed: {visible(test['name'])}"
        if "verdict" in answer:
            for line in verdict_words(file, answer):
                yield line
        if "replayed" in answer and answer["ok"]:
            for line in backtest_words(file, answer):
                yield line
    parts = [counted(len(answers), "file"), counted(problems, "problem")]
    if verb in ("check", "test"):
        parts.append(f"{counted(tests, 'test')}, {failed} failed")
    yield ", ".join(parts) + "."


def verdict_words(file: str, answer: Json) -> Iterator[str]:
    """The outcome, then each rule with what would make it pass."""
    if not answer["ok"]:
        if not answer["problems"]:
            yield f"{file}:1:1: the policy does not match what it was asked about"
        return
    yield f"{file}: {visible(answer['verdict']['outcome'])}"
    for rule in answer["verdict"]["rules"]:
        yield f"  {visible(rule['sentence'])}"
        if rule["remedy"]:
            yield f"    To pass: {visible(rule['remedy'])}"


def backtest_words(file: str, answer: Json) -> Iterator[str]:
    """How many verdicts would change and which, and the rules that never fired."""
    replayed = counted(answer["replayed"], "request")
    yield f"{file}: {replayed} judged again, {answer['touched']} of them by this policy"
    for change in answer["changes"]:
        shift = f", {change['shift']} people" if change["shift"] else ""
        same = change["old"] == change["new"] and not shift
        words = "the same" if same else f"now {visible(change['new'])}{shift}"
        yield f"  {visible(change['old'])}, {words}: {change.get('count')}"
    yield f"  people asked: {answer['people_then']} then, {answer['people_now']} now"
    for one in answer["changed"]:
        looser = "LOOSER " if one.get("looser") else ""
        yield f"  {looser}{visible(one['old'])} -> {visible(one['new'])} {visible(one['url'])}"
    for rule in answer["rules"]:
        if not rule["applies"] and not rule["cannot_tell"]:
            yield f"  never fired: {visible(rule['rule'])}"


def place_words(file: str, found: Json, message: object) -> str:
    return f"{file}:{found['line']}:{found['column']}: {visible(message)}"


def counted(number: int, word: str, many: str = "") -> str:
    return f"{number:,} {word if number == 1 else many or word + 's'}"


# --- Evidence bundles ------------------------------------------------------------------

EVIDENCE_TYPE = "https://countersign.dev/evidence-bundle/v0.1"
MANIFEST = "manifest.json"
ENTRIES = "entries.jsonl"
WALK = "proofs/tree.txt"
CHECKPOINT = "proofs/checkpoint.txt"
START = "proofs/start.txt"
CONSISTENCY = "proofs/consistency.txt"
POPULATION = "population.csv"
RECEIPTS = "receipts/permits.jsonl"
PERMIT_KEYS = "keys/permits.json"
CHECKPOINT_KEYS = "keys/checkpoints.txt"
NEEDED = (ENTRIES, WALK, CHECKPOINT, POPULATION, RECEIPTS, PERMIT_KEYS, CHECKPOINT_KEYS)

MOST_FILES = 1000
SMALL_BYTES = 16 * 1024 * 1024  # what is read in one piece
LEAF_BYTES = 64 * 1024
RECEIPT_BYTES = 1024 * 1024
READ_BYTES = 256 * 1024
SHOW_EVERY = 5000
MOST_FINDINGS = 100
MANY_RECEIPTS = 100  # from here on tables of multiples pay
STEP = re.compile(rb"leaves ([1-9][0-9]{0,17})\n|node ([1-5]?[0-9]|6[01]) ([A-Za-z0-9+/]{43}=)\n")
# What reading a bundle that somebody tampered with may raise.
BROKEN = (
    ValueError, KeyError, TypeError, AttributeError, NoAnswer, RecursionError, EOFError, OSError,
    zipfile.BadZipFile, zlib.error, csv.Error, NotImplementedError, RuntimeError, struct.error,
)  # fmt: skip


def evidence_step(options: argparse.Namespace, say: Say) -> int:
    """Checks an evidence bundle, all of it, without a network."""
    keys = load_keys(options.keys) if options.keys else None
    try:
        vkeys = note_keys(options.key) if options.key else None
    except ValueError as error:
        raise Stop(EXIT_USAGE, f"--key: {error}") from None
    try:
        archive = zipfile.ZipFile(options.bundle)
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise Stop(EXIT_USAGE, f"{options.bundle} cannot be read as a zip: {error}") from None
    with archive, contextlib.ExitStack() as stack, say.waiting():
        evidence = Evidence(archive, Spill(stack), keys, vkeys, say)
        evidence.check_all()
    results = evidence.results
    holds = all(result.holds for result in results)
    body = {
        "holds": holds,
        "pinned": evidence.pinned,
        "checks": [result._asdict() for result in results],
        "manifest": evidence.said,
    }
    show(options, body, *evidence.words(holds))
    return 0 if holds else EXIT_REFUSED


class Result(NamedTuple):
    holds: bool
    text: str


class Digested(io.RawIOBase):
    """A file of the archive as it is read, with the digest of what was read."""

    def __init__(self, file: Any) -> None:
        super().__init__()
        self._file = file
        self._digest = hashlib.sha256()
        self._size = 0
        self.whole: Optional[Tuple[str, int]] = None  # digest and size, once its end was reached

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        if not data:
            self.whole = (self._digest.hexdigest(), self._size)
        self._digest.update(data)
        self._size += len(data)
        buffer[: len(data)] = data
        return len(data)


class Spill:
    """Notes about requests, kept on disk: memory does not grow with their number."""

    ENTRY, ASKED, ROW, ISSUED, RECEIPT = b"e", b"a", b"p", b"i", b"r"
    NOTE = struct.Struct("16s c I 32s 32s")
    PARTS = 64

    def __init__(self, stack: contextlib.ExitStack) -> None:
        made = [tempfile.TemporaryFile(buffering=16384) for _ in range(self.PARTS)]  # noqa: SIM115
        self._files = [stack.enter_context(file) for file in made]

    def put(
        self, request: bytes, kind: bytes, number: int = 0, one: bytes = b"", other: bytes = b""
    ) -> None:
        """What is said of a request: a number and two digests."""
        note = self.NOTE.pack(request, kind, number, one, other)
        self._files[request[15] % self.PARTS].write(note)

    def parts(self) -> Iterator[Iterator[Tuple[bytes, bytes, int, bytes, bytes]]]:
        """All notes in their order, those of one request in one part."""
        for file in self._files:
            file.seek(0)
            yield self.NOTE.iter_unpack(file.read())


class Evidence:
    """One bundle on its way through every check.

    `results` says in words what holds and what does not, `said` what the manifest says of itself.
    """

    def __init__(
        self,
        archive: zipfile.ZipFile,
        spill: Spill,
        keys: Optional[Dict[str, Tuple[int, int]]],
        vkeys: Optional[NoteKeys],
        say: Say,
    ) -> None:
        self._archive, self._spill, self._say = archive, spill, say
        self._keys, self._vkeys = keys, vkeys
        self.pinned = {"--keys": keys is not None, "--key": vkeys is not None}
        self.results: List[Result] = []
        self.more = 0
        self.said: Json = {}
        self._named: Dict[str, Tuple[str, int]] = {}
        self._read: Dict[str, Digested] = {}

    def check_all(self) -> None:
        """Every check, those first on which others rest."""
        if self._check(MANIFEST, self._manifest):
            self._check("The signature of the manifest", self._signature)
            if self._check("The checkpoint", self._checkpoint):
                self._check("The checkpoint from before the period", self._start)
                self._check("The entries", self._entries)
            self._check("The population", self._population)
            self._check("The receipts", self._receipts)
            self._check("The requests", self._requests)
            self._check("The files", self._files)

    def words(self, holds: bool) -> Iterator[str]:
        """The results, one a line, and the sum of it."""
        for result in self.results:
            yield f"{'holds' if result.holds else 'FAILS'}  {result.text}"
        loose = [option for option, pinned in self.pinned.items() if not pinned]
        if loose:
            yield (
                "note   Keys are those inside the bundle: by themselves they prove nothing. Give "
                f"{' and '.join(loose)} with keys that you were told another way."
            )
        failed = sum(not result.holds for result in self.results) + self.more
        yield "Everything holds." if holds else f"{counted(failed, 'finding')}: it does not hold."

    def _check(self, what: str, act: Callable[[], str]) -> bool:
        """Run a check, which gives the sentence of what holds or raises; whether it ended."""
        try:
            text = act()
        except KeyError as error:
            self._fails(f"{what}: {error} is missing.")
            return False
        except BROKEN as error:
            self._fails(f"{what}: {str(error) or type(error).__name__}.")
            return False
        if text:
            self.results.append(Result(True, text))
        return True

    def _fails(self, text: str) -> None:
        if len(self.results) < MOST_FINDINGS:
            self.results.append(Result(False, text))
        else:
            self.more += 1

    def _open(self, name: str) -> io.BufferedReader:
        """A file from its beginning. Its digest is compared at the end."""
        self._read[name] = Digested(self._archive.open(name))
        return io.BufferedReader(self._read[name], READ_BYTES)

    def _whole(self, name: str) -> bytes:
        """A file that has no reason to be large."""
        with self._open(name) as file:
            data = file.read(SMALL_BYTES)
            if file.read(1):
                raise ValueError(f"{name} is too long")
        return data

    # What the bundle is, and whose.

    def _manifest(self) -> str:
        names = self._archive.namelist()
        if len(names) > MOST_FILES or len(set(names)) != len(names):
            raise ValueError("the bundle has a file twice, or too many")
        self._envelope = json.loads(self._whole(MANIFEST).decode())
        statement = read_statement(self._envelope)
        if (statement.get("_type"), statement.get("predicateType")) != (
            STATEMENT_TYPE,
            EVIDENCE_TYPE,
        ):
            raise ValueError("it is not about an evidence bundle")
        self._named = {
            pick(file, "name", str): (file["digest"]["sha256"], file["annotations"]["size"])
            for file in pick(statement, "subject", list)
        }
        missing = [name for name in NEEDED if name not in self._named]
        if missing:
            raise ValueError(f"it does not name {missing[0]}")
        self.said = pick(statement, "predicate", dict)
        loose = sorted(set(names) - set(self._named) - {MANIFEST})
        if loose:
            self._fails(f"The bundle has a file that its manifest does not name: {loose[0]}.")
        project = self.said["project"]
        whose = f"project {project['slug']}" if project else "the whole portal"
        period = self.said["filter"]
        return f"Evidence of {whose} from {period['since']} up to {period['until']}."

    def _signature(self) -> str:
        if self._keys is None:
            self._keys = permit_keys(json.loads(self._whole(PERMIT_KEYS).decode()))
        signer = signer_of(self._envelope, self._keys)
        if signer is None:
            raise ValueError("it was made by none of the keys")
        return f"The manifest is signed by key {signer}."

    def _checkpoint(self) -> str:
        if self._vkeys is None:
            self._vkeys = note_keys(self._whole(CHECKPOINT_KEYS).decode().splitlines())
        self._end = end = self._opened(CHECKPOINT, "checkpoint")
        return f"The checkpoint of {end.size:,} entries of {end.origin} is signed by {end.key}."

    def _start(self) -> str:
        if self.said["start"] is None:
            return "There is no checkpoint from before the period: its first entry is in the first."
        start = self._opened(START, "start")
        proof = [base64_bytes(line) for line in self._whole(CONSISTENCY).decode().splitlines()]
        first = self.said["range"]["first"] or self.said["closing"]
        if start.size > first["leaf"] or start.origin != self._end.origin:
            raise ValueError("it is of another log, or covers entries of the bundle")
        if not goes_on(start, self._end, proof):
            raise ValueError("the log does not go on from it: its past was rewritten")
        return f"The log goes on from the checkpoint of {start.size:,} entries, signed as well."

    def _opened(self, name: str, part: str) -> Checkpoint:
        found, said = opened_note(self._whole(name).decode(), self._vkeys or {}), self.said[part]
        names = (said["origin"], said["size"], said["root"])
        if (found.origin, found.size, found.root.hex()) != names:
            raise ValueError("it is not the one that the manifest names")
        return found

    # Entries, and what is about them.

    def _entries(self) -> str:
        tree, entries = Tree(), Entries(self.said, self._spill)
        total = self.said["rows"][ENTRIES]
        with self._open(WALK) as walk, self._open(ENTRIES) as lines:
            for line in iter(lambda: walk.readline(100), b""):
                step = STEP.fullmatch(line)
                if step is None:
                    raise ValueError(f"{WALK} has a line that leads nowhere")
                if step[3]:
                    tree.push(int(step[2]), base64.b64decode(step[3]))
                    continue
                for _ in range(int(step[1])):
                    leaf = lines.readline(LEAF_BYTES)
                    if leaf[-1:] != b"\n":
                        raise ValueError(f"{ENTRIES} ends before its proof does")
                    entries.take(tree.size, leaf)
                    tree.push(0, hashlib.sha256(b"\x00" + leaf[:-1]).digest())
                    if entries.count % SHOW_EVERY == 0:
                        self._say.bar(entries.count, total, "entries")
            if lines.read(1):
                raise ValueError(f"{ENTRIES} has entries that nothing proves")
        if (tree.size, tree.root()) != (self._end.size, self._end.root):
            raise ValueError(
                "they do not lead to the root of the checkpoint: one was changed, added, taken out "
                "or moved, or what proves them was"
            )
        count = counted(entries.count, "entry", "entries")
        self.results.append(Result(True, f"{count} lead to the root of the checkpoint, each once."))
        entries.end()
        for sentence in entries.wrong:
            self._fails(sentence)
        self.more += entries.more
        return "" if entries.wrong else entries.words()

    def _population(self) -> str:
        count = 0
        with self._open(POPULATION) as file:
            for row in csv.DictReader(io.TextIOWrapper(file, encoding="utf-8", newline="")):
                count += 1
                digest = bytes.fromhex(row["digest"].rpartition(":")[2])
                self._spill.put(uuid.UUID(row["id"]).bytes, Spill.ROW, 0, digest)
        self._require_rows(POPULATION, count)
        return f"{POPULATION} has {counted(count, 'request')}."

    def _receipts(self) -> str:
        count, total, tables = 0, self.said["rows"][RECEIPTS], Tables()
        multiply = tables.times if total > MANY_RECEIPTS else times
        with self._open(RECEIPTS) as file:
            for line in iter(lambda: file.readline(RECEIPT_BYTES), b""):
                count += 1
                envelope = json.loads(line.decode())
                if signer_of(envelope, self._keys or {}, multiply) is None:
                    raise ValueError(f"receipt {count} is signed by none of the keys")
                self._receipt(read_statement(envelope))
                self._say.bar(count, total, "receipts")
        self._require_rows(RECEIPTS, count)
        return f"{counted(count, 'receipt')} of permits: every signature is good."

    def _receipt(self, statement: Json) -> None:
        predicate = pick(statement, "predicate", dict)
        kind = (statement.get("predicateType"), predicate.get("decision"))
        if kind != (PREDICATE_TYPE, "approved"):
            raise ValueError("one of them is no approval")
        request = pick(predicate, "request", dict)
        digest = bytes.fromhex(pick(request, "digest", str, DIGEST)[7:])
        permit = uuid.UUID(pick(predicate, "permit", str)).bytes
        self._spill.put(uuid.UUID(request["id"]).bytes, Spill.RECEIPT, 0, permit, digest)

    def _require_rows(self, name: str, count: int) -> None:
        said = self.said["rows"][name]
        if count != said:
            raise ValueError(f"{name} has {count:,} rows, and the manifest says {said:,}")

    def _requests(self) -> str:
        histories, begun, before = 0, 0, len(self.results) + self.more
        for notes in self._spill.parts():
            part = Histories()
            for note in notes:
                part.take(*note)
            for sentence in part.findings():
                self._fails(sentence)
            histories += len(part.heads)
            begun += part.begun
        if len(self.results) + self.more > before:
            return ""
        earlier = f"; {begun:,} of them began before the first entry" if begun else ""
        return (
            f"The histories of {counted(histories, 'request')} have no gap, and fit the population "
            f"and the receipts{earlier}."
        )

    def _files(self) -> str:
        """Each file against its digest; those that no check looked into are read now."""
        before = len(self.results) + self.more
        for name, named in sorted(self._named.items()):
            if name not in self._read or self._read[name].whole is None:
                self._check(name, lambda name=name: self._pass_over(name))  # type: ignore[misc]
            found = self._read.get(name)
            if found and found.whole and found.whole != named:
                self._fails(f"{name} is not the file that was signed: its digest is another.")
        if len(self.results) + self.more > before:
            return ""
        return f"All {len(self._named)} files are those that were signed."

    def _pass_over(self, name: str) -> str:
        with self._open(name) as file:
            while file.read(READ_BYTES):
                pass
        return ""


class Entries:
    """What entries say, taken in their order: types, numbers, and to which request they belong."""

    def __init__(self, said: Json, spill: Spill) -> None:
        self.count = self.more = 0
        self.wrong: List[str] = []
        self._said, self._spill = said, spill
        self._decode = json.JSONDecoder().raw_decode
        self._slug, self._project = "", None
        if said["project"]:
            self._slug, self._project = str(said["project"]["slug"]), said["project"]["id"]
        self._closing = said["closing"]["leaf"]
        within = said["range"]
        self._from, self._to = (
            (within["first"]["leaf"], within["last"]["leaf"]) if within["first"] else (1, 0)
        )
        self._since, self._until = said["filter"]["since"], said["filter"]["until"]
        self._closed = self._apart = self._before = False
        self._types: Dict[str, int] = {}
        self._numbers: Dict[Optional[str], int] = {}  # the last one by project
        self._ends = [0, 0]  # numbers of the first and the last entry of the period
        self._next, self._at = -1, ""

    def take(self, index: int, line: bytes) -> None:
        """One leaf with its newline. Raises ValueError, KeyError, TypeError for what is none."""
        text = line.decode()
        document, end = self._decode(text)
        entry, number, at = document["entry"], document["number"], document["at"]
        tail = b',"number":%d}\n' % number
        if (
            line[:7] != b'{"at":"'
            or line[34:44] != b'","entry":'
            or not line.endswith(tail)
            or end + 1 != len(text)
        ):
            raise ValueError(f"line {self.count + 1} is not an entry")
        kind = entry["type"]
        self.count += 1
        self._types[kind] = self._types.get(kind, 0) + 1
        self._order(index, entry["project"], number, at)
        within = self._from <= index <= self._to
        if within:
            self._ends = [self._ends[0] or number, number]
        elif self._since <= at < self._until:
            self._fails(f"Leaf {index:,} is of the period, and outside the range that is named.")
        if index == self._closing:
            export, number_said = entry.get("export") or {}, self._said["closing"]["number"]
            good = kind == "export.created" and export.get("id") == self._said["export"]
            self._closed = good and number == number_said
        if entry["request"] and "seq" in entry:
            self._history(kind, entry, line[44 : -len(tail)], within)

    def _order(self, index: int, project: Optional[str], number: int, at: str) -> None:
        """Numbers follow each other in each project, and leaves where all projects are there."""
        last = self._numbers.get(project)
        follows = last is None or number == last + 1
        if self._project is None:
            follows = follows and (index == self._next or self._next < 0)
        elif project != self._project:
            self._fails(f"Leaf {index:,} is an entry of another project.")
        if self._next < 0:
            self._before = index == 0 or at < self._since
            self._before = self._before or (number == 1 and self._project is not None)
        if not follows and index == self._closing and self._at >= self._until:
            self._apart = True
        elif not follows:
            self._fails(f"Entries are missing before leaf {index:,}, which has number {number:,}.")
        self._numbers[project] = number
        self._next, self._at = index + 1, at

    def _history(self, kind: str, entry: Json, payload: bytes, within: bool) -> None:
        request = bytes.fromhex(entry["request"].replace("-", ""))
        own = hashlib.sha256(b"\x00" + payload).digest()
        self._spill.put(request, Spill.ENTRY, entry["seq"], own, bytes.fromhex(entry["prev"] or ""))
        if kind == "request.submitted" and within:
            self._spill.put(request, Spill.ASKED, 0, bytes.fromhex(entry["action"]["digest"][7:]))
        elif kind == "permit.issued" and within:
            self._spill.put(request, Spill.ISSUED, 0, uuid.UUID(entry["permit"]["id"]).bytes)

    def end(self) -> None:
        """What can be said once all were taken."""
        if not self._closed or self._next != self._closing + 1:
            self._fails("The entry that says the bundle was taken is not the last one in it.")
        if self._types != self._said["types"]:
            self._fails("There are not as many entries of each type as the manifest says.")

    def words(self) -> str:
        """How far the entries are complete."""
        whole = f"Leaves {self._from:,} to {self._to:,} of the log are all there"
        if self._project is not None:
            first, last = self._ends
            whole = f"Numbers {first:,} to {last:,} of project {self._slug} are all there"
        if self._from > self._to:
            whole = "There is no entry of the period"
        end = "the entry that says the bundle was taken follows without a gap"
        if self._apart:
            end = "the entry after the period is there too"
        if self._before:
            return f"{whole}, and {end}."
        return f"{whole}, and {end}; whether what came before is of the period, it cannot show."

    def _fails(self, text: str) -> None:
        if len(self.wrong) < MOST_FINDINGS:
            self.wrong.append(text)
        else:
            self.more += 1


class Histories:
    """Some requests, as entries, the population and receipts tell of them."""

    NOTHING = bytes(32)

    def __init__(self) -> None:
        self.heads: Dict[bytes, Tuple[int, bytes]] = {}
        self.begun = 0
        self._broken: Dict[bytes, None] = {}
        self._asked: Dict[bytes, bytes] = {}
        self._rows: Dict[bytes, bytes] = {}
        self._issued: Dict[bytes, bytes] = {}
        self._receipts: Dict[bytes, Tuple[bytes, bytes]] = {}

    def take(self, request: bytes, kind: bytes, number: int, one: bytes, other: bytes) -> None:
        """A note of the spill."""
        if kind == Spill.ENTRY:
            head = self.heads.get(request)
            good = head == (number - 1, other)
            if head is None:
                good = (number == 1) == (other == self.NOTHING)
                self.begun += number > 1
            if not good:
                self._broken[request] = None
            self.heads[request] = (number, one)
        elif kind == Spill.ASKED:
            self._asked[request] = one
        elif kind == Spill.ROW:
            self._rows[request] = one
        elif kind == Spill.ISSUED:
            self._issued[request] = one
        else:
            self._receipts[request] = (one, other)

    def findings(self) -> Iterator[str]:
        for request in self._broken:
            yield f"The history of request {uuid.UUID(bytes=request)} has a gap or was changed."
        for request in {**self._asked, **self._rows}:
            if self._asked.get(request) != self._rows.get(request):
                yield (
                    f"{POPULATION} and the entries say different things of request "
                    f"{uuid.UUID(bytes=request)}."
                )
        for request in {**self._issued, **self._receipts}:
            permit, digest = self._receipts.get(request, (None, None))
            if permit != self._issued.get(request) or digest != self._asked.get(request, digest):
                yield (
                    "The receipts and the entries say different things of request "
                    f"{uuid.UUID(bytes=request)}."
                )


# --- Options ---------------------------------------------------------------------------


def checked_address(address: str, say: Say) -> str:
    """The portal's address without a trailing slash. Raises Stop."""
    try:
        parts = urllib.parse.urlsplit(address)
        secretive = parts.username or parts.password
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = secretive = None
    if not good or secretive or parts.query or parts.fragment or not address.isascii():
        raise Stop(EXIT_USAGE, "The portal's address must look like https://countersign.example.")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        say.line(
            "warning", "Warning: the address is not https, so the token can be read on the way."
        )
    return address.rstrip("/")


def token_from_environment() -> str:
    """The token, read again at every call because short-lived ones are renewed in place.

    Raises NoAnswer: while we wait, a missing token may come back like any other outage.
    """
    token, path = os.environ.get("COUNTERSIGN_TOKEN"), os.environ.get("COUNTERSIGN_TOKEN_FILE")
    if not token and path:
        try:
            with Path(path).open(encoding="ascii") as file:
                token = file.read(16384).strip()
        except (OSError, ValueError) as error:
            raise NoAnswer(f"COUNTERSIGN_TOKEN_FILE cannot be read: {error}") from None
    if not token or not re.fullmatch(r"[A-Za-z0-9._~+/=-]+", token):
        raise NoAnswer("put the token in COUNTERSIGN_TOKEN or COUNTERSIGN_TOKEN_FILE")
    return token


class RunToken:
    """What a job gets for the token that its CI system signed for it; got anew when it ends.

    GitHub signs one at every question. Others sign one for each job, and it counts once.
    """

    def __init__(self, address: str, project: str, say: Say) -> None:
        self._portal = Portal(address, lambda: "")
        self._project = project
        self._say = say
        self._token = self._swapped = ""
        self._until = datetime.now(timezone.utc)
        self._lock = threading.Lock()  # heartbeats ask as well

    def __call__(self) -> str:
        with self._lock:
            left = self._until - datetime.now(timezone.utc)
            if not self._token or left.total_seconds() < RENEW_SECONDS:
                self._renew()
            return self._token

    def _renew(self) -> None:
        identity = identity_token(f"{self._portal.address}/{self._project}")
        if identity == self._swapped:
            return  # there is no other; the portal says when the run token has ended
        self._say.secrets.append(identity)
        body = {"project": self._project, "token": identity}
        answer = self._portal.call("POST", "/api/v1/token", body)
        try:
            token, self._until = str(answer["token"]), moment(str(answer["expires_at"]))
        except (KeyError, ValueError):
            raise NoAnswer("it answers without a run token") from None
        if not re.fullmatch(r"cst_[0-9a-z_]+", token):
            raise NoAnswer("it answers without a run token")
        self._say.secrets.append(token)
        self._token, self._swapped = token, identity


def identity_token(audience: str) -> str:
    """The token by which the CI system says who this job is. Raises NoAnswer."""
    if not asks_github():
        return token_from_environment()
    address = os.environ["ACTIONS_ID_TOKEN_REQUEST_URL"]
    joint = "&" if "?" in address else "?"
    address += f"{joint}audience={urllib.parse.quote(audience, safe='')}"
    server = Portal(address, lambda: os.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"])
    try:
        found = server.call("GET", "").get("value")
    except Problem as problem:
        raise NoAnswer(f"GitHub gives no token: {problem}") from None
    if not isinstance(found, str) or not IDENTITY.fullmatch(found):
        raise NoAnswer("GitHub answers without a token")
    return found


def asks_github() -> bool:
    """Whether no token was given, and GitHub signs one when it is asked."""
    given = os.environ.get("COUNTERSIGN_TOKEN") or os.environ.get("COUNTERSIGN_TOKEN_FILE")
    asked = ("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN")
    return not given and all(os.environ.get(name) for name in asked)


def portal_of(say: Say, project: str = "") -> Portal:
    """The portal that the environment names; without `project`, with a token of its own only."""
    address = os.environ.get("COUNTERSIGN_URL")
    if not address:
        raise Stop(EXIT_USAGE, "Set COUNTERSIGN_URL to the address of the portal.")
    checked = checked_address(address, say)
    try:
        token = "" if asks_github() else token_from_environment()
    except NoAnswer as error:
        raise Stop(EXIT_USAGE, f"No token: {error}.") from None
    if token and not IDENTITY.fullmatch(token):
        say.secrets.append(token)
        return Portal(checked, token_from_environment)
    if not project:
        raise Stop(
            EXIT_USAGE,
            "This step needs a token of the portal: COUNTERSIGN_TOKEN=$(countersign token "
            "--project PROJECT) gets one for this run.",
        )
    return Portal(checked, RunToken(checked, project, say))


class Parser(argparse.ArgumentParser):
    """Ends with our own status for wrong usage."""

    def error(self, message: str) -> Any:
        self.print_usage(sys.stderr)
        self.exit(EXIT_USAGE, f"countersign: {visible(message)}\n")


def whole(least: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least}")
        return int(text)

    return number


def identifier(text: str) -> str:
    if not re.fullmatch(ID, text):
        raise argparse.ArgumentTypeError(f"{text!r} is not an id")
    return text


def visible_key(text: str) -> str:
    if not re.fullmatch(r"[!-~]{1,200}", text):
        raise argparse.ArgumentTypeError("an idempotency key is 1 to 200 visible ASCII characters")
    return text


def lasting(default: str) -> Dict[str, Any]:
    return {"type": seconds_of, "default": seconds_of(default), "metavar": "DURATION"}


def pairs() -> Dict[str, Any]:
    return {"action": "append", "default": [], "metavar": "NAME=VALUE"}


Option = Tuple[str, str, Dict[str, Any]]  # name, help, the rest for argparse

ID_OPTION: Option = (
    "id",
    "id of the request, or of the permit for finish",
    {"type": identifier},
)
RUN: List[Option] = [
    ("--run-id", "id of the run (default: from the CI system)", {}),
    (
        "--run-attempt",
        "attempt of the run (default: the CI system's, or 1)",
        {"type": whole(1)},
    ),
]
COMMON: List[Option] = [
    ("--json", "answers and progress as JSON", {"action": "store_true"}),
    ("--retry-for", "how long to try an unanswered call (default 1m)", lasting("1m")),
]
ASKING: List[Option] = [
    ("--project", "project that asks", {"required": True}),
    ("--environment", "environment acted on", {"required": True}),
    ("--action", "what will be done: deploy, apply, migrate, ...", {"required": True}),
    ("--commit", "commit acted with (default: the CI run's, when no subject is given)", {}),
    ("--ref", "full name of the branch or tag, such as refs/heads/main", {}),
    ("--artifact", "digest of the artifact, sha256:...", {}),
    ("--plan", "digest of the plan, sha256:...", {}),
    ("--plan-json", "plan as terraform show -json wrote it; gives --plan", {"metavar": "FILE"}),
    ("--run-url", "page of the run (default: from the CI system)", {}),
    ("--reason", "why, for the people who decide", {}),
    ("--label", "a label; may be repeated", {"action": "append", "default": []}),
    ("--claim", "a claimed fact, its value as JSON; may be repeated", pairs()),
    ("--idempotency-key", "key of the question (default: made from it)", {"type": visible_key}),
    *RUN,
    *COMMON,
]
TIMEOUT: Option = (
    "--timeout",
    "how long to wait, outages included (default 24h)",
    lasting("24h"),
)
RECEIPT: List[Option] = [
    ("--receipt-file", "keep the receipt in this file", {}),
    ("--keys", "keys.json with a key that must have signed the receipt", {}),
]
GATE: List[Option] = [
    TIMEOUT,
    (
        "--max-drift",
        "give up at this many drifts (default 3)",
        {"type": whole(1), "default": 3},
    ),
    *RECEIPT,
]
TOKEN: List[Option] = [("--project", "project that will be asked for", {"required": True}), *COMMON]
WAIT: List[Option] = [ID_OPTION, TIMEOUT, *COMMON]
REDEEM: List[Option] = [
    ID_OPTION,
    ("--digest", "digest that the request must have", {}),
    *RECEIPT,
]
FINISH: List[Option] = [
    ID_OPTION,
    ("--outcome", "default: from --exit-code", {"choices": ("succeeded", "failed")}),
    ("--exit-code", "exit status of the command", {"type": whole(0), "default": 0}),
]
WITHDRAW: List[Option] = [ID_OPTION, ("--reason", "why", {"default": ""})]
VERIFY: List[Option] = [
    ("receipt", "file with the receipt", {}),
    ("--keys", "keys.json of the portal, for use offline", {}),
    ("--url", "address of the portal, to fetch its keys from", {}),
    ("--project", "project that the receipt must be for", {}),
    ("--environment", "environment that the receipt must be for", {}),
    ("--action", "action that the receipt must be for", {}),
    ("--commit", "commit that the receipt must be for", {}),
    ("--artifact", "digest of the artifact that the receipt must be for", {}),
    ("--plan", "digest of the plan that the receipt must be for", {}),
    ("--subject", "digest that one of its subjects must have, whatever it is named", {}),
    ("--unexpired", "refuse a receipt whose time is over", {"action": "store_true"}),
    ("--json", "print the statement as JSON", {"action": "store_true"}),
]
POLICY: List[Option] = [
    (
        "verb",
        "check: what would keep it from being published; test: that, naming each test; "
        "explain: what it says about a request or facts; backtest: what it would have said to "
        "the newest requests of the token's project",
        {"choices": ("check", "test", "explain", "backtest")},
    ),
    ("files", "files with one policy document each", {"nargs": "+", "metavar": "FILE"}),
    ("--request", "explain: id or number of a request of the token's project", {}),
    ("--facts", "explain: JSON file with facts by name, null for unknown", {}),
    (
        "--last",
        "backtest: how many requests, at most 500 (default 200)",
        {"type": whole(1), "default": 200},
    ),
]
EVIDENCE: List[Option] = [
    ("verb", "verify: check all of it, offline", {"choices": ("verify",)}),
    ("bundle", "the zip that the portal gave out", {}),
    ("--keys", "keys.json with the keys that may sign manifests and receipts", {}),
    (
        "--key",
        "key that may sign checkpoints, NAME+ID+KEY; may be repeated",
        {"action": "append", "default": [], "metavar": "VKEY"},
    ),
    ("--json", "print the results as JSON", {"action": "store_true"}),
]
BY_RUN = RUN + COMMON
STEPS: List[Tuple[Callable[..., int], str, str, List[Option]]] = [
    (gate, "gate", "ask, wait, redeem, run the command after --, report", ASKING + GATE),
    (ask_step, "request", "ask; print the id of the request", ASKING),
    (token_step, "token", "print a run token for the token of the CI system", TOKEN),
    (wait_step, "wait", "wait until the request is approved or closed", WAIT),
    (redeem_step, "redeem", "redeem; print the id of the permit", REDEEM + BY_RUN),
    (finish_step, "finish", "report how the command ended", FINISH + BY_RUN),
    (withdraw_step, "withdraw", "take the request back", WITHDRAW + BY_RUN),
    (verify_step, "verify", "check who signed a receipt and what it is for", VERIFY),
    (evidence_step, "evidence", "verify an evidence bundle", EVIDENCE),
    (policy_step, "policy", "check, test, explain or backtest policy documents", POLICY + COMMON),
]
AFTER = {"gate": " -- COMMAND ...", "evidence": " verify BUNDLE.zip", "policy": " VERB FILE ..."}


def make_parser() -> Parser:
    description = "Ask before a sensitive step, wait, and run it once."
    top = Parser("countersign", description=description, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"countersign {VERSION}")
    steps = top.add_subparsers(dest="step", metavar="STEP", required=True)
    for act, name, text, options in STEPS:
        usage = f"countersign {name} [OPTION ...]" + AFTER.get(name, "")
        step = steps.add_parser(name, usage=usage, help=text, description=text, allow_abbrev=False)
        step.set_defaults(act=act)
        for flag, help_text, more in options:
            step.add_argument(flag, help=help_text, **more)
    return top


def parse(arguments: List[str]) -> argparse.Namespace:
    """Options, with everything after the first -- as the command, untouched."""
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    made = make_parser()
    options = made.parse_args(arguments[:cut])
    options.command = arguments[cut + 1 :]
    if options.command and options.step != "gate":
        made.error(f"{options.step} runs no command")
    return options


def main(arguments: Optional[List[str]] = None) -> int:
    options = parse(sys.argv[1:] if arguments is None else arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    say = Say(sys.stderr, options.json)
    try:
        return int(options.act(options, say))
    except Problem as problem:
        stop = stop_for(problem)
    except Stop as ended:
        stop = ended
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except Exception:
        for line in traceback.format_exc().splitlines():
            say.line("internal", line)
        stop = Stop(
            EXIT_INTERNAL,
            "Internal error of the client.",
        )
    say.line("stopped", str(stop), exit_status=stop.status)
    return stop.status


if __name__ == "__main__":
    sys.exit(main())
