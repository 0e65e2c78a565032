"""The second factors of a person, and the check that one of them was shown.

Rows, secrets and verification are django-allauth's. Its re-authentication is not used: it lets
whoever has no password straight through, and sends the stored form again.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as codes
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal.auth import (
    get_authenticator_by_credential_id,
    get_credentials,
    get_server,
)
from fido2.webauthn import UserVerificationRequirement

from portal.accounts.models import User
from portal.kernel.canonical import digest_of, sha256_digest

MAX_CREDENTIAL = 16 * 1024  # characters; an assertion has about one thousand


@dataclass(frozen=True)
class Shown:
    """What was shown (`passkey`, `totp`, `oidc:ID`), and a digest equal only for the same proof.

    `at`: when it was, if not now.
    """

    method: str
    proof: str
    at: datetime | None = None


def show_code(person: User, code: str) -> Shown | None:
    """The proof that `code` is the person's of this moment, or None.

    Locks the authenticator, so that codes are tried one after the other.
    """
    mine = Authenticator.objects.select_for_update().filter(user_id=person.pk)
    totp = mine.filter(type=Authenticator.Type.TOTP).first()
    if totp is None:
        return None
    secret = decrypt(totp.data["secret"])
    steps = [
        step
        for step in codes.yield_hotp_counters_from_time()
        if compare_user_code(actual=code, expected=_code_at(secret, step))
    ]
    # It marks the code as used, for the sign-in too. The mark may be evicted; our proof may not.
    if not steps or not totp.wrap().validate_code(code):
        return None
    totp.record_usage()
    return Shown("totp", digest_of(["totp", totp.pk, steps[0]]))


def _code_at(secret: str, step: int) -> str:
    return str(codes.format_hotp_value(codes.hotp_value(secret, step)))


def passkey_options(person: User, challenge: bytes) -> dict[str, Any]:
    """What a browser needs to have `challenge` signed by a passkey of this person."""
    options, _ = _begin(person, challenge)
    return dict(options)


def show_passkey(person: User, challenge: bytes, credential: str) -> Shown | None:
    """The proof that a passkey of this person signed `challenge`, its holder verified, or None.

    `credential`: the browser's answer as JSON.
    """
    _, state = _begin(person, challenge)
    try:
        answer = json.loads(credential[:MAX_CREDENTIAL])
        signed_by = get_server().authenticate_complete(state, get_credentials(person), answer)
    except (ValueError, TypeError, KeyError, AttributeError):  # whatever a browser may send
        return None
    authenticator = get_authenticator_by_credential_id(person, signed_by.credential_id)
    if authenticator is None:
        return None
    authenticator.record_usage()
    return Shown("passkey", sha256_digest(challenge))


def _begin(person: User, challenge: bytes) -> tuple[Any, Any]:
    # The holder has to be verified: an open session beside a plugged-in key is what it is against.
    required = UserVerificationRequirement.REQUIRED
    return get_server().authenticate_begin(get_credentials(person), required, challenge)  # type: ignore[no-any-return]
