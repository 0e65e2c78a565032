"""Sealing the secrets of all streams anew, after the first of SECRETS_KEY was changed."""

from django.db import transaction

from approvals.audit.siem.configure import note
from approvals.connections.reseal import Resealed
from approvals.models import SiemStream
from portal.kernel.sealed import SealBroken, reseal
from portal.ledger.actors import SYSTEM

_SECRETS = ("secret", "old_secret", "authorization")


def reseal_streams() -> Resealed:
    """Encrypt every secret with the first key, each stream in a transaction of its own."""
    found = Resealed()
    sealed = SiemStream.objects.exclude(secret="", old_secret="", authorization="")
    for stream_id in sealed.values_list("pk", flat=True):
        with transaction.atomic():
            stream = SiemStream.objects.select_for_update().get(pk=stream_id)
            try:
                for name in _SECRETS:
                    token = getattr(stream, name)
                    setattr(stream, name, reseal(token) if token else "")
            except SealBroken:
                found.broken.append(f"{stream.name} ({stream.pk})")
                continue
            stream.save(update_fields=_SECRETS)
            note(stream, "stream.resealed", SYSTEM)
            found.done += 1
    return found
