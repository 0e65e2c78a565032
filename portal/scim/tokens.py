"""The bearer token of a directory: `csd_<prefix>_<secret>`, of which only the SHA-256 is stored."""

import hashlib
import hmac
import re
import secrets
from datetime import timedelta

from django.db.models import Q

from portal.kernel.clock import now
from portal.kernel.errors import Unauthenticated
from portal.scim.models import Directory

USE_NOTED_EVERY = timedelta(minutes=1)

_FORM = re.compile(r"csd_([0-9a-f]{12})_[0-9a-f]{64}")


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("ascii")).digest()


def new_token(directory: Directory) -> str:
    """Give the row another token, without saving it; the secret, which nobody can read again."""
    directory.prefix = secrets.token_hex(6)
    secret = f"csd_{directory.prefix}_{secrets.token_hex(32)}"
    directory.secret_hash = _hash(secret)
    directory.renewed_at = now()
    return secret


def authenticate_directory(header: str) -> Directory:
    """The directory in use whose token an `Authorization` header has.

    Raises Unauthenticated, with one sentence for every reason: who guesses learns nothing.
    """
    scheme, _, secret = header.partition(" ")
    form = _FORM.fullmatch(secret.strip()) if scheme.lower() == "bearer" else None
    found = Directory.objects.filter(prefix=form[1], archived_at=None).first() if form else None
    if (
        form is None
        or found is None
        or not hmac.compare_digest(bytes(found.secret_hash), _hash(form[0]))
    ):
        raise Unauthenticated("Send the directory's token as “Authorization: Bearer csd_…”. An "
                              "administrator of the portal can renew it.")  # fmt: skip
    _note_use(found)
    return found


def _note_use(directory: Directory) -> None:
    """Once a minute is enough to find an unused directory, and spares a write for every call."""
    limit = now() - USE_NOTED_EVERY
    if directory.last_used_at is None or directory.last_used_at <= limit:
        stale = Q(last_used_at=None) | Q(last_used_at__lte=limit)
        Directory.objects.filter(stale, pk=directory.pk).update(last_used_at=now())
