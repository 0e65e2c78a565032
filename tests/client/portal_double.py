"""A scripted portal on loopback, for what a real one does not do on demand.

Half answers, foreign permits, redirects. The same clients meet the real portal in the
journeys.
"""

import base64
import json
import re
import threading
import time
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

REQUEST = "019a0000-0000-7000-8000-000000000001"
PERMIT = "019a0000-0000-7000-8000-00000000000f"
DIGEST = "sha256:" + "d1" * 32
COMMIT = "9f" * 20
TOKEN = "cst_demo_0123456789abcdefSECRET"

ROUTES = {
    "token": r"POST /api/v1/token",
    "github": r"GET /oidc",
    "ask": r"POST /api/v1/requests",
    "read": r"GET /api/v1/requests/[^/]+",
    "redeem": r"POST /api/v1/requests/[^/]+/redeem",
    "withdraw": r"POST /api/v1/requests/[^/]+/withdraw",
    "heartbeat": r"POST /api/v1/permits/[^/]+/heartbeat",
    "finish": r"POST /api/v1/permits/[^/]+/finish",
    "check": r"POST /api/v1/policies/check",
    "explain": r"POST /api/v1/policies/explain",
    "keys": r"GET /.well-known/countersign/keys.json",
}


class Answer:
    """One HTTP answer, byte for byte; `declared` lies about the length, `after` delays."""

    def __init__(self, status, body, kind="application/json", declared=None, after=0, **headers):
        self.status = status
        # Raw UTF-8, as the portal sends it; escapes are for the tests that want them.
        self.raw = (
            body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
        )
        self.declared = len(self.raw) if declared is None else declared
        self.after = after
        self.headers = {"Content-Type": kind}
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})

    def send(self, handler):
        time.sleep(self.after)
        handler.send_response(self.status)
        for name, value in self.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(self.declared))
        handler.send_header("Connection", "close")
        handler.end_headers()
        handler.wfile.write(self.raw)


class HangUp:
    """The connection ends without a word."""

    def send(self, handler):
        handler.close_connection = True


def problem(status, code, detail="Because the test says so.", **more):
    body = {"type": f"x/problems/{code}", "title": code, "status": status, "code": code}
    return Answer(status, {**body, "detail": detail, **more}, "application/problem+json")


def a_request(status="pending", version=1, **fields):
    """The body of a request as the contract has it."""
    body = {
        "id": REQUEST,
        "status": status,
        "version": version,
        "round": 1,
        "digest": DIGEST,
        "url": f"http://portal.example/requests/{REQUEST}",
        "project": "shop",
        "environment": "production",
        "action": "deploy",
        "subject": {"commit": COMMIT},
        "run": {"id": "8812", "attempt": 1},
        "created_at": stamp(0),
        "decide_by": None,
        "use_by": None,
        "summary": f"The request is {status}.",
        "verdict": None,
        "waiting_for": [],
        "decisions": [],
        "drift": [],
        "permit": None,
    }
    return Answer(201 if version == 1 else 200, {**body, **fields})


def stamp(seconds):
    moment = datetime.now(UTC) + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


KEY = ec.generate_private_key(ec.SECP256R1())


def public_keys(key=KEY, **fields):
    """keys.json for a private key."""
    numbers = key.public_key().public_numbers()
    x, y = (
        base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        for number in (numbers.x, numbers.y)
    )
    entry = {"kid": "permit-1", "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig"}
    entry |= {"alg": "ES256", "purpose": "permit", "status": "active", "not_before": stamp(-60)}
    return {"keys": [entry | fields]}


def a_receipt(key=KEY, payload_type="application/vnd.in-toto+json", **predicate):
    """A signed DSSE envelope around an approval."""
    said = {
        "decision": "approved",
        "request": {"id": REQUEST, "digest": DIGEST},
        "run": {"id": "8812", "attempt": 1},
        "project": "shop",
        "environment": "production",
        "action": "deploy",
        "approvers": [{"ref": "person:7", "name": "Maria Costa", "at": stamp(0)}],
        "policies": [],
        "notBefore": stamp(0),
        "expiresAt": stamp(3600),
        "maxUses": 1,
        "nonce": "00",
    }
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "commit", "digest": {"gitCommit": COMMIT}}],
        "predicateType": "https://countersign.dev/approval/v0.1",
        "predicate": {**said, **predicate},
    }
    payload = json.dumps(statement).encode()
    pae = b"DSSEv1 %d %b %d %b" % (
        len(payload_type),
        payload_type.encode(),
        len(payload),
        payload,
    )
    signature = base64.b64encode(key.sign(pae, ec.ECDSA(hashes.SHA256()))).decode()
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": payload_type,
        "signatures": [{"keyid": "permit-1", "sig": signature}],
    }


def a_permit(receipt=None, heartbeat_seconds=30, **fields):
    """What redeem answers with."""
    permit = {
        "id": PERMIT,
        "status": "issued",
        "issued_at": stamp(0),
        "expires_at": stamp(3600),
        "heartbeat_seconds": heartbeat_seconds,
    }
    body = {"permit": {**permit, **fields}, "receipt": receipt or a_receipt()}
    return Answer(200, body)


def drift(version=2, **fact):
    facts = [{"fact": "git.head", "old": "9f3c", "new": "77ab", **fact}]
    return problem(409, "drift", drift=facts, round=version)


class Double:
    """The scripted portal: answers per route in order, the last one for ever after."""

    def __init__(self):
        self.calls = []
        self.script = {}
        self.on("heartbeat", a_permit(status="running"))
        self.on("finish", a_permit(status="succeeded"))
        self.on("withdraw", a_request("withdrawn", 9))
        double = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                double.answer(self)

            do_GET = do_POST = answer

            def log_message(self, *_):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()

    def on(self, route, *answers):
        self.script[route] = list(answers)
        return self

    def answer(self, handler):
        raw = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        path = handler.path.partition("?")[0]
        route = next(
            (
                name
                for name, form in ROUTES.items()
                if re.fullmatch(form, f"{handler.command} {path}")
            ),
            "other",
        )
        call = {"route": route, "path": handler.path, "headers": handler.headers, "raw": raw}
        self.calls.append(call)
        answers = self.script.get(route) or [problem(404, "not-found")]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            answer.send(handler)
        except OSError:
            handler.close_connection = True  # the client was stopped by the test

    def sent(self, route):
        """The JSON bodies sent to a route."""
        return [json.loads(call["raw"]) for call in self.calls if call["route"] == route]

    def count(self, route):
        return sum(call["route"] == route for call in self.calls)

    def wait_for(self, route, count=1, seconds=15):
        limit = time.monotonic() + seconds
        while self.count(route) < count:
            assert time.monotonic() < limit, f"no {route}: {[c['route'] for c in self.calls]}"
            time.sleep(0.02)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
