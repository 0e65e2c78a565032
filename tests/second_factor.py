"""Second factors as people hold them: a passkey made of software, and an authenticator app."""

import hashlib
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from allauth.core.context import request_context
from allauth.mfa.totp.internal import auth as codes
from allauth.mfa.webauthn.internal.auth import WebAuthn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from django.test import RequestFactory
from fido2.cose import ES256
from fido2.utils import websafe_encode
from fido2.webauthn import (
    AttestationObject,
    AttestedCredentialData,
    AuthenticatorData,
    CollectedClientData,
)

from portal.accounts.models import User

FLAG = AuthenticatorData.FLAG
SITE = "testserver"


@dataclass
class Passkey:
    """Signs whatever it is given; `verified` says whether its holder showed a finger or a PIN."""

    site: str = SITE
    origin: str = f"https://{SITE}"
    verified: bool = True
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: Any = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, person: User) -> "Passkey":
        """As allauth keeps it once the person has added it."""
        WebAuthn.add(person, "Key", self.registration())
        return self

    def registration(self) -> dict[str, Any]:
        """What a browser sends when it is added."""
        public = ES256.from_cryptography_key(self.key.public_key())
        mine = AttestedCredentialData.create(bytes(16), self.id, public)
        data = AuthenticatorData.create(self._site_hash, FLAG.UP | FLAG.UV | FLAG.AT, 0, mine)
        said = CollectedClientData.create("webauthn.create", b"1" * 32, self.origin)
        answer = {
            "clientDataJSON": websafe_encode(said),
            "attestationObject": websafe_encode(AttestationObject.create("none", data, {})),
        }
        return {**self._named, "response": answer}

    def answer(self, challenge: bytes) -> str:
        """What a browser sends after its holder touched it."""
        flags = FLAG.UP | FLAG.UV if self.verified else FLAG.UP
        data = AuthenticatorData.create(self._site_hash, flags, 1)
        said = CollectedClientData.create("webauthn.get", challenge, self.origin)
        answer = {
            "clientDataJSON": websafe_encode(said),
            "authenticatorData": websafe_encode(data),
            "signature": websafe_encode(self.key.sign(data + said.hash, ec.ECDSA(SHA256()))),
        }
        return json.dumps({**self._named, "response": answer})

    @property
    def _named(self) -> dict[str, str]:
        name = websafe_encode(self.id)
        return {"id": name, "rawId": name, "type": "public-key"}

    @property
    def _site_hash(self) -> bytes:
        return hashlib.sha256(self.site.encode()).digest()


def at_the_portal() -> Any:
    """The address a passkey is for is that of the page, so there has to be one."""
    return request_context(RequestFactory().get("/"))


class App:
    """An authenticator app whose time is held still, so that no code runs out under a test."""

    def __init__(self, monkeypatch: Any) -> None:
        self.step = 59_000_000
        monkeypatch.setattr(codes, "yield_hotp_counters_from_time", self._steps)
        self._secrets: dict[Any, str] = {}

    def register(self, person: User) -> "App":
        """As allauth keeps it once the person has added it."""
        self._secrets[person.pk] = codes.generate_totp_secret()
        codes.TOTP.activate(person, self._secrets[person.pk])
        return self

    def code(self, person: User) -> str:
        """The code it shows now."""
        value = codes.hotp_value(self._secrets[person.pk], self.step)
        return str(codes.format_hotp_value(value))

    def _steps(self) -> Iterator[int]:
        yield self.step
