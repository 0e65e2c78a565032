"""An outside system says that something changed there: what waits looks again at once.

Nothing that it says is taken for a fact. A delivery only makes answers from before it old, and
readings due; whatever is lost, comes twice or in another order is made good by the next look.
"""

import hashlib
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal
from uuid import UUID

import orjson
from django.db import connection as database
from django.db import transaction
from django.utils.translation import gettext as _

from approvals.connections.proof import delivery_number, is_proven
from approvals.lifecycle.enrich import read_again
from approvals.models import Connection, HookDelivery
from portal.kernel.clock import now
from portal.kernel.errors import NotFound, Unauthenticated
from portal.kernel.ids import new_id
from portal.kernel.sealed import SealBroken, unseal

KEEP = timedelta(days=7)  # deliveries, to know one that comes again
# Events that are about one commit alone, and where they name it. Every other one may be about
# anything: a push moves the branch under requests for other commits.
_OF_ONE_COMMIT = {
    "check_run": ("check_run", "head_sha"),
    "check_suite": ("check_suite", "head_sha"),
    "workflow_run": ("workflow_run", "head_sha"),
    "workflow_job": ("workflow_job", "head_sha"),
    "status": ("sha",),
    "Pipeline Hook": ("object_attributes", "sha"),
    "Job Hook": ("sha",),
}
_COMMIT = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_NEW = """
INSERT INTO approvals_hookdelivery (connection_id, number, received_at) VALUES (%s, %s, %s)
ON CONFLICT DO NOTHING
"""

Heard = Literal["heard", "known"]


def hear(connection_id: UUID, headers: Mapping[str, str], body: bytes) -> Heard:
    """Let what waits look again, once for each delivery.

    Raises NotFound (no such connection, archived, or it has no secret), Unauthenticated.
    """
    found = Connection.objects.filter(pk=connection_id, archived_at=None).exclude(hook_secret="")
    connection = found.first()
    if connection is None:
        raise NotFound(_("There is no such hook."))
    if not is_proven(headers, body, _secret(connection), now()):
        raise Unauthenticated(_("Not accepted."))
    return _look_again(connection, headers, _commit_of(headers, body))


@transaction.atomic
def _look_again(connection: Connection, headers: Mapping[str, str], commit: str) -> Heard:
    at = now()
    number = delivery_number(headers) or str(new_id())
    with database.cursor() as cursor:
        cursor.execute(_NEW, [connection.pk, hashlib.sha256(number.encode()).hexdigest(), at])
        if not cursor.rowcount:
            return "known"
    # First: deliveries of one connection wait for each other here, before they touch readings.
    Connection.objects.filter(pk=connection.pk).update(heard_at=at)
    read_again(connection.key, commit)
    return "heard"


def prune_deliveries() -> int:
    """Forget deliveries of long ago; how many."""
    return HookDelivery.objects.filter(received_at__lt=now() - KEEP).delete()[0]


def _secret(connection: Connection) -> str:
    try:
        return unseal(connection.hook_secret)
    except SealBroken:
        raise Unauthenticated(_("Not accepted.")) from None


def _commit_of(headers: Mapping[str, str], body: bytes) -> str:
    """The commit that the event is about alone; empty where it may be about more."""
    event = headers.get("X-GitHub-Event") or headers.get("X-Gitlab-Event", "")
    path = _OF_ONE_COMMIT.get(event)
    if path is None:
        return ""
    try:
        found: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    for name in path:
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) and _COMMIT.fullmatch(found) else ""
