"""A witness (C2SP tlog-witness) for tests, on loopback. It shares no line with the portal.

It follows the specification by the letter: it knows a log by its origin and key, keeps the newest
checkpoint, takes only what goes on from there with a proof of RFC 6962 (by its recursive
definition), and signs with the time.
"""

import hashlib
import threading
import time
from base64 import b64decode, b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class Witness:
    """Knows the logs in `logs` (origin: public key), and what it cosigned last in `seen`."""

    name = "witness.example/w1"

    def __init__(self):
        self.logs, self.seen, self.asked = {}, {}, 0
        self.key = Ed25519PrivateKey.generate()
        self._public = self.key.public_key().public_bytes_raw()
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        self._server.daemon_threads = True
        self.prefix = f"http://127.0.0.1:{self._server.server_port}/witness"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def vkey(self):
        return f"{self.name}+{self._id().hex()}+{b64encode(bytes([4]) + self._public).decode()}"

    @property
    def address(self):
        """As COUNTERSIGN_ANCHORS names it."""
        return f"witness+{self.prefix}#{self.vkey}"

    def trust(self, vkey):
        """Take checkpoints of the log whose key this is."""
        origin, _, key = vkey.split("+", 2)
        self.logs[origin] = b64decode(key)[1:]

    def answer(self, body):
        """Status and body to a request of add-checkpoint."""
        head, _, note = body.partition("\n\n")
        old_line, *proof = head.split("\n")
        text, _, signatures = note.partition("\n\n")
        origin, size, root = text.split("\n")[:3]
        if origin not in self.logs:
            return 404, ""
        if not self._is_signed(f"{text}\n", origin, signatures):
            return 403, ""
        old, size = int(old_line.removeprefix("old ")), int(size)
        if old > size:
            return 400, ""
        with self._lock:
            known, known_root = self.seen.get(origin, (0, b""))
            if old != known or (old == size and b64decode(root) != known_root):
                return 409, f"{known}\n"
            if not _goes_on(known, known_root, size, b64decode(root), map(b64decode, proof)):
                return 422, ""
            self.seen[origin] = size, b64decode(root)
        return 200, self.cosign(f"{text}\n")

    def cosign(self, text):
        """The line that says so."""
        seconds = int(time.time())
        signature = self.key.sign(f"cosignature/v1\ntime {seconds}\n{text}".encode())
        data = self._id() + seconds.to_bytes(8, "big") + signature
        return f"— {self.name} {b64encode(data).decode()}\n"

    def close(self):
        self._server.shutdown()
        self._server.server_close()

    def _id(self):
        return hashlib.sha256(self.name.encode() + b"\n\x04" + self._public).digest()[:4]

    def _is_signed(self, text, origin, signatures):
        for line in signatures.splitlines():
            _, name, data = line.split(" ")
            try:
                key = Ed25519PublicKey.from_public_bytes(self.logs[origin])
                key.verify(b64decode(data)[4:], text.encode())
                return name == origin
            except InvalidSignature:
                continue
        return False


def _goes_on(old, old_root, size, root, proof):
    """Whether SUBPROOF(old, D[size], true) leads to both roots and nothing is left of it."""
    if old in (0, size):
        return not list(proof) and (not old or old_root == root)
    try:
        found = _roots(old, size, old_root, proof)
    except StopIteration:
        return False
    return found == (old_root, root) and next(proof, None) is None


def _roots(old, size, known, proof):
    """(root of the first `old`, root of all `size`); `known` where both begin at the left edge."""
    if old == size:
        one = known or next(proof)
        return one, one
    left = 1
    while left * 2 < size:
        left *= 2
    if old <= left:
        before, after = _roots(old, left, known, proof)
        return before, _node(after, next(proof))
    before, after = _roots(old - left, size - left, None, proof)
    sibling = next(proof)
    return _node(sibling, before), _node(sibling, after)


def _node(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def _handler_of(witness):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            witness.asked += 1
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            there = self.path == "/witness/add-checkpoint"
            status, said = witness.answer(body) if there else (404, "")
            self.send_response(status)
            if status == 409:
                self.send_header("Content-Type", "text/x.tlog.size")
            self.send_header("Content-Length", str(len(said.encode())))
            self.end_headers()
            self.wfile.write(said.encode())

        def log_message(self, *_):
            pass

    return Handler
