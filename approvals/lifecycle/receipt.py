"""The signed receipt of a permit: DSSE over an in-toto Statement v1 (LEDGER: keys and receipts)."""

import contextlib
import json
import os
import secrets
import tempfile
from base64 import urlsafe_b64encode
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from django.db import transaction
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey  # type: ignore[attr-defined]

from approvals.lifecycle.evaluate import policy_refs, tallies
from approvals.models import Decision, Permit, Request, SigningKey
from policies.language.verdict import Verdict as Judgement
from portal.kernel.clock import now, rfc3339
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://countersign.dev/approval/v0.1"


def ensure_signing_key() -> str:
    """Make the permit key if there is none (mode 0600), and publish its public half; its id.

    Two processes at once: the file is created exclusively, the loser reads the winner's.
    """
    path: Path = settings.SIGNING_KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        descriptor, part = tempfile.mkstemp(dir=path.parent)  # mode 0600, a name of its own
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
        with contextlib.suppress(FileExistsError):  # somebody was first: theirs is the key
            os.link(part, path)
        Path(part).unlink()
    return _publish(signer())


def signer() -> CryptoSigner:
    """The signer of permits. Raises FileNotFoundError before `ensure_signing_key` ran."""
    return _signer(settings.SIGNING_KEY_FILE)


@lru_cache(maxsize=4)
def _signer(path: Path) -> CryptoSigner:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{path}: not an EC private key")
    return CryptoSigner(key)


def _publish(found: CryptoSigner) -> str:
    key = found.public_key
    with transaction.atomic():
        _, created = SigningKey.objects.get_or_create(
            kid=key.keyid,
            defaults={"purpose": "permit", "jwk": _jwk(key), "created_at": now()},
        )
        if created:
            record("key.created", actor=SYSTEM, object={"kind": "key", "id": key.keyid})
            older = SigningKey.objects.filter(purpose="permit").exclude(kid=key.keyid)
            older.update(status=SigningKey.KeyStatus.RETIRED)  # stays listed: receipts live on
    return str(key.keyid)


def _jwk(key: SSlibKey) -> dict[str, str]:
    public = serialization.load_pem_public_key(key.keyval["public"].encode())
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise TypeError("not an EC public key")
    numbers = public.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "x": _base64url(numbers.x),
        "y": _base64url(numbers.y),
    }


def _base64url(number: int) -> str:
    return urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()


def sign(subject: list[dict[str, Any]], predicate: dict[str, Any]) -> dict[str, Any]:
    """The DSSE envelope over the statement, as JSON."""
    statement = {
        "_type": STATEMENT_TYPE,
        "subject": subject,
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }
    payload = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    envelope.sign(signer())
    return dict(envelope.to_dict())


def receipt_for(request: Request, permit: Permit, judgement: Judgement) -> dict[str, Any]:
    """The signed statement that this permit was given, on whose approvals, by which policies."""
    return sign(
        _subjects(request.subject),
        {
            "decision": "approved",
            "permit": str(permit.id),
            "request": {"id": str(request.id), "digest": request.digest, "round": request.round},
            "run": {"id": request.run["id"], "attempt": request.run["attempt"]},
            "project": request.project.slug,
            "environment": request.environment.name,
            "action": request.action,
            "approvers": [
                {
                    "ref": str(decision.person.actor_ref),
                    "role": "approver",
                    "at": rfc3339(decision.decided_at),
                    "authn": decision.authn,
                    "meaning": "I looked at these facts and this action may run once",
                }
                for decision in _counting(request)
            ],
            "policies": policy_refs(judgement),
            "snapshot": request.snapshot.digest if request.snapshot else None,
            "notBefore": rfc3339(permit.issued_at),
            "expiresAt": rfc3339(permit.expires_at),
            "maxUses": 1,
            "nonce": secrets.token_hex(16),
        },
    )


def _counting(request: Request) -> list[Decision]:
    """The approvals that fill what is asked now: extra ones and those that fell are none."""
    people = {UUID(person) for found in tallies(request) for person in found.people}
    given = request.decisions.filter(round=request.round, person_id__in=people)
    return list(given.select_related("person").order_by("decided_at"))


def _subjects(subject: dict[str, str]) -> list[dict[str, Any]]:
    """The request's subject as in-toto resource descriptors."""
    found: list[dict[str, Any]] = []
    if subject.get("commit"):
        found.append({"name": "commit", "digest": {"gitCommit": subject["commit"]}})
    for name in ("artifact", "plan", "document"):
        if subject.get(name):
            algorithm, _, value = subject[name].partition(":")
            found.append({"name": name, "digest": {algorithm: value}})
    return found
