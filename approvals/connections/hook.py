"""The secret with which an outside system says that something changed there."""

from typing import Any

from django.db import transaction

from approvals.connections.configure import lock_connection
from approvals.connections.proof import new_secret
from approvals.models import Connection
from portal.kernel.sealed import seal
from portal.ledger.actors import person_actor
from portal.ledger.record import record


@transaction.atomic
def renew_hook(*, by: Any, connection: Connection) -> str:
    """A new secret of the connection's hook, which nobody can read again; an older one is void.

    Raises Forbidden, Conflict (archived).
    """
    connection = lock_connection(by, connection)
    secret = new_secret()
    connection.hook_secret = seal(secret)
    connection.save(update_fields=["hook_secret"])
    record(
        "connection.hook_renewed",
        actor=person_actor(by),
        project=connection.project_id,
        object={"kind": "connection", "id": str(connection.pk), "source": connection.kind},
    )
    return secret
