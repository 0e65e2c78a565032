"""Evidence bundles made by hand, to be tampered with: what the portal signs, and anything else."""

import base64
import hashlib
import json
from functools import cache
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from approvals.audit.bundle.tree_walk import tree_walk
from approvals.audit.bundle.zip_stream import ZipStream
from portal.ledger import tree
from portal.ledger.chain import leaf_hash
from portal.ledger.note import Checkpoint, Signer, sign
from tests.client.portal_double import KEY, a_receipt, public_keys
from tests.interop.copies import reader_of

ORIGIN = "countersign.example/log/1"
SIGNER, FOREIGN_SIGNER = (Signer(ORIGIN, Ed25519PrivateKey.generate()) for _ in range(2))
FOREIGN_KEY = ec.generate_private_key(ec.SECP256R1())
SHOP, BANK = str(UUID(int=1)), str(UUID(int=2))
EXPORT = str(UUID(int=3))
SINCE, UNTIL = "2026-11-01T00:00:00.000000Z", "2026-12-01T00:00:00.000000Z"
HISTORY = ("request.submitted", "verdict.given", "request.approved", "permit.issued")


class Ledger:
    """A log: two entries of October, requests that two projects asked in turns, an export.

    `bend` is called with each entry before it is sealed: what an owner of the keys could do.
    """

    def __init__(self, requests=2, day=10, bend=lambda entry: entry):
        self.leaves, self.facts, self._numbers, self._bend = [], [], {}, bend
        self.requests, self.times = [], []
        self._day = "10-31"
        self._add(None, None, "sign_in.succeeded")
        self._add(None, None, "sign_out.done")
        self._day = f"11-{day:02}"
        for number in range(1, requests + 1):
            self._ask(str(UUID(int=1000 + number)), (SHOP, BANK)[number % 2])

    def _ask(self, request, project):
        digest, permit = hashlib.sha256(request.encode()).hexdigest(), request[:-4] + "ffff"
        leaf = len(self.leaves)
        self.requests.append((leaf, project, request, f"sha256:{digest}", permit))
        previous = None
        for seq, kind in enumerate(HISTORY, start=1):
            more = {"permit": {"id": permit}} if kind == "permit.issued" else {}
            more |= {"seq": seq, "prev": previous, "action": {"digest": f"sha256:{digest}"}}
            previous = leaf_hash(self._add(project, request, kind, **more)).hex()

    def export(self, project, day=20):
        """The entry that closes a bundle of a project, or of all."""
        self._day = f"11-{day:02}"
        self._add(project, None, "export.created", export={"id": EXPORT})

    def _add(self, project, request, kind, **more):
        number = self._numbers[project] = self._numbers.get(project, 0) + 1
        minute = len(self.leaves)
        at = f"2026-{self._day}T{minute // 60:02}:{minute % 60:02}:00.000000Z"
        entry = {"type": kind, "project": project, "request": request, **more}
        payload = json.dumps(self._bend(entry), sort_keys=True, separators=(",", ":"))
        self.leaves.append(f'{{"at":"{at}","entry":{payload},"number":{number}}}'.encode())
        self.facts.append((project, number, kind))
        self.times.append(at)
        return payload.encode()


class Bundle:
    """What is put into a zip. Change `files` and `said`; `write` signs what they are then."""

    def __init__(self, ledger, project=None, shown=None, start=1, until=UNTIL):
        self.ledger, self.key, self.until = ledger, KEY, until
        everything = range(start, len(ledger.leaves))
        self.shown = [
            index for index in shown or everything if project in (None, ledger.facts[index][0])
        ]
        self.hashes = [leaf_hash(leaf) for leaf in ledger.leaves]
        self.start = Checkpoint(ORIGIN, start, tree.root_of(self.hashes[:start])) if start else None
        self.end = Checkpoint(ORIGIN, len(self.hashes), tree.root_of(self.hashes))
        self.files = {
            "README.txt": b"How to verify.\n",
            "keys/permits.json": json.dumps(public_keys()).encode(),
            "keys/checkpoints.txt": f"{SIGNER.key.vkey}\n".encode(),
            "proofs/checkpoint.txt": sign(self.end.text, SIGNER).encode(),
            **self._from_start(),
            **self._proved(),
            **self._about(),
        }
        self.said = self._saying(project)

    def _from_start(self):
        if not self.start:
            return {}
        proof = tree.consistency(self.start.size, self.end.size, reader_of(self.hashes))
        return {
            "proofs/start.txt": sign(self.start.text, SIGNER).encode(),
            "proofs/consistency.txt": b"".join(base64.b64encode(one) + b"\n" for one in proof),
        }

    def _proved(self):
        walk = tree_walk(self.shown, self.end.size, reader_of(self.hashes))
        lines = b"".join(self.ledger.leaves[index] + b"\n" for index in self.shown)
        return {"entries.jsonl": lines, "proofs/tree.txt": b"".join(walk)}

    def _about(self):
        within = {index for index in self.shown if SINCE <= self.ledger.times[index] < self.until}
        rows = [
            f"{leaf},{digest},{request}"
            for leaf, _, request, digest, _ in self.ledger.requests
            if leaf in within
        ]
        receipts = [
            receipt_of(request, digest, permit)
            for leaf, _, request, digest, permit in self.ledger.requests
            if leaf + HISTORY.index("permit.issued") in within
        ]
        return {
            "population.csv": "\r\n".join(["leaf,digest,id", *rows, ""]).encode(),
            "receipts/permits.jsonl": "".join(f"{one}\n" for one in receipts).encode(),
        }

    def _saying(self, project):
        types = [self.ledger.facts[index][2] for index in self.shown]
        places = [{"leaf": index, "number": self.ledger.facts[index][1]} for index in self.shown]
        within = [
            place
            for index, place in zip(self.shown, places, strict=True)
            if SINCE <= self.ledger.times[index] < self.until
        ]
        return {
            "export": EXPORT,
            "filter": {"since": SINCE, "until": self.until, "projects": [project]},
            "project": {"id": project, "slug": "shop"} if project else None,
            "range": {
                "first": within[0] if within else None,
                "last": within[-1] if within else None,
            },
            "closing": places[-1],
            "rows": {
                "entries.jsonl": len(types),
                "population.csv": self.files["population.csv"].count(b"\n") - 1,
                "receipts/permits.jsonl": self.files["receipts/permits.jsonl"].count(b"\n"),
            },
            "types": {kind: types.count(kind) for kind in set(types)},
            "start": said(self.start),
            "checkpoint": said(self.end),
        }

    def manifest(self):
        """The signed statement about the files as they are now."""
        statement = {
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [
                {
                    "name": name,
                    "digest": {"sha256": hashlib.sha256(data).hexdigest()},
                    "annotations": {"size": len(data)},
                }
                for name, data in self.files.items()
            ],
            "predicateType": "https://countersign.dev/evidence-bundle/v0.1",
            "predicate": self.said,
        }
        return dsse(statement, self.key)

    def write(self, path, manifest=None):
        """The zip; with a manifest from before, files that changed since are not what it says."""
        out = ZipStream()
        files = {**self.files, "manifest.json": json.dumps(manifest or self.manifest()).encode()}
        parts = [part for name, data in files.items() for part in out.file(name, [data])]
        path.write_bytes(b"".join([*parts, out.end()]))
        return path


@cache
def receipt_of(request, digest, permit):
    return json.dumps(a_receipt(permit=permit, request={"id": request, "digest": digest}))


def dsse(statement, key=KEY):
    payload = json.dumps(statement).encode()
    kind = b"application/vnd.in-toto+json"
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    signature = key.sign(signed, ec.ECDSA(hashes.SHA256()))
    return {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": kind.decode(),
        "signatures": [{"keyid": "permit-1", "sig": base64.b64encode(signature).decode()}],
    }


def said(checkpoint):
    if checkpoint is None:
        return None
    return {
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
    }
