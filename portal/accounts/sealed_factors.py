"""How django-allauth's second factors behave here: their secrets are stored sealed."""

from typing import Any

from allauth.mfa.adapter import DefaultMFAAdapter
from django.utils.translation import gettext as _

from portal.accounts.models import User
from portal.kernel.errors import Conflict
from portal.kernel.sealed import SealBroken, seal, unseal


class SealedAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """A copy of the database gives no authenticator app and no recovery code away."""

    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Raises Conflict where no key opens it: whoever has lost the key lets nobody in."""
        try:
            return unseal(encrypted_text)
        except SealBroken:
            raise Conflict(
                "The portal cannot open what it needs to check your code. An administrator can "
                "remove your second factors.",
                code="seal-broken",
            ) from None

    def get_totp_label(self, user: User) -> str:
        return user.username

    def generate_authenticator_name(self, user: User, type: Any) -> str:
        return _("Passkey")
