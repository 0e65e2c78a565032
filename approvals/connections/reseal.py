"""Sealing the secrets of all connections anew, after the first of SECRETS_KEY was changed."""

from dataclasses import dataclass, field

from django.db import transaction

from approvals.models import Connection
from portal.kernel.sealed import SealBroken, reseal
from portal.ledger.actors import SYSTEM
from portal.ledger.record import record


@dataclass
class Resealed:
    """How many were done, and the names of those of which a secret opens with no key."""

    done: int = 0
    broken: list[str] = field(default_factory=list)


def reseal_connections() -> Resealed:
    """Encrypt every secret with the first key, each connection in a transaction of its own."""
    found = Resealed()
    sealed = Connection.objects.exclude(secrets={}, hook_secret="")
    for connection_id in sealed.values_list("pk", flat=True):
        with transaction.atomic():
            connection = Connection.objects.select_for_update().get(pk=connection_id)
            try:
                connection.secrets = {n: reseal(text) for n, text in connection.secrets.items()}
                if connection.hook_secret:
                    connection.hook_secret = reseal(connection.hook_secret)
            except SealBroken:
                found.broken.append(f"{connection.name} ({connection.pk})")
                continue
            connection.save(update_fields=["secrets", "hook_secret"])
            about = {"kind": "connection", "id": str(connection.pk), "source": connection.kind}
            record("connection.resealed", actor=SYSTEM, project=connection.project_id, object=about)
            found.done += 1
    return found
