"""One request, where a person may see it: asked at every event, page and decision."""

from uuid import UUID

from django.db import connection

from approvals.models import Request
from approvals.queries.filters import Condition
from approvals.queries.keys import NEWEST, first_keys
from approvals.queries.visible import Sight, sight_of
from portal.accounts.models import User
from portal.kernel.errors import NotFound


def in_sight(sight: Sight, request_id: UUID) -> bool:
    """Whether somebody who sees so much sees this request (one statement)."""
    keys = first_keys(sight, NEWEST, 1, Condition(("r.id = %s",), (request_id,)))
    with connection.cursor() as cursor:
        cursor.execute(keys.sql, keys.params)
        return cursor.fetchone() is not None


def require_sight(person: User, request_id: UUID, sight: Sight | None = None) -> None:
    """Raise NotFound where there is no such request, or it is not this person's to see."""
    if not person.is_active or not in_sight(sight or sight_of(person), request_id):
        raise NotFound("There is no such request, or it is not yours to see.")


def load_request(person: User, request_id: UUID, sight: Sight | None = None) -> Request:
    """One request with what pages show of it. Raises NotFound as `require_sight`."""
    require_sight(person, request_id, sight)
    return Request.whole(request_id)
