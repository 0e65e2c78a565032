"""The bearer token of a directory: `csd_<prefix>_<secret>`, of which only the SHA-256 is stored."""

from datetime import timedelta

from django.db.models import Q

from portal.kernel.bearer import is_bearer, new_bearer, prefix_of
from portal.kernel.clock import now
from portal.kernel.errors import Unauthenticated
from portal.scim.models import Directory

USE_NOTED_EVERY = timedelta(minutes=1)
KIND = "csd"


def new_token(directory: Directory) -> str:
    """Give the row another token, without saving it; the secret, which nobody can read again."""
    bearer = new_bearer(KIND)
    directory.prefix, directory.secret_hash, directory.renewed_at = (
        bearer.prefix,
        bearer.hash,
        now(),
    )
    return bearer.secret


def authenticate_directory(header: str) -> Directory:
    """The directory in use whose token an `Authorization` header has.

    Raises Unauthenticated, with one sentence for every reason: who guesses learns nothing.
    """
    scheme, _, secret = header.partition(" ")
    prefix = prefix_of(KIND, secret.strip()) if scheme.lower() == "bearer" else None
    found = Directory.objects.filter(prefix=prefix, archived_at=None).first() if prefix else None
    if found is None or not is_bearer(secret.strip(), bytes(found.secret_hash)):
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
