"""Which kinds of second factor a person has; looking at them needs no cryptography."""

from dataclasses import dataclass

from allauth.mfa.models import Authenticator

from portal.accounts.models import User


@dataclass(frozen=True)
class Factors:
    """Which kinds a person has; false when none. Recovery codes are for signing in only."""

    passkey: bool
    totp: bool

    def __bool__(self) -> bool:
        return self.passkey or self.totp


def factor_kinds(person: User) -> Factors:
    """What this person can show."""
    kinds = set(Authenticator.objects.filter(user_id=person.pk).values_list("type", flat=True))
    return Factors(Authenticator.Type.WEBAUTHN in kinds, Authenticator.Type.TOTP in kinds)
