"""What a project token may reach: its own project's requests, and only its own run's to act on.

A token limited to some environments reaches the requests of these alone, a run token those of its
own run attempt: all others are not there for it.
"""

from uuid import UUID

from approvals.models import Permit, Request
from portal.accounts.authentication import require_environment, require_scope
from portal.accounts.models import ProjectToken
from portal.kernel.errors import Forbidden, NotFound
from portal.kernel.joined import Joined

_REQUESTS = Joined(Request, "environment", "verdict", "snapshot", "account", "token")


def load_for_token(token: ProjectToken, request_id: UUID) -> Request:
    """A request of the token's project, with what an answer says of it.

    Raises NotFound for any other project's, Forbidden for an environment the token is not for.
    Parked calls read this, so it stands written; with it comes what tells who touched the change.
    """
    project = token.account.project
    found = _REQUESTS.first("one.id = %s AND one.project_id = %s", [request_id, project.pk])
    if found is None or (token.trust_id and not _same_run(token, found)):
        raise NotFound("There is no such request in the project of this token.")
    require_environment(token, found.environment_id)
    found.project = project
    return found


def _same_run(token: ProjectToken, found: Request) -> bool:
    """Whether the run attempt of a run token made the request: by its own trust, not by words."""
    mine = (token.run_id, token.run_attempt)
    return _same_door(token, found) and (found.run["id"], found.run["attempt"]) == mine


def _same_door(token: ProjectToken, found: Request) -> bool:
    """Whether it was made as this account, by the same trust or with a project token as well."""
    return (
        found.token is not None
        and found.account_id == token.account_id
        and found.token.trust_id == token.trust_id
    )


def readable_by(token: ProjectToken, request_id: UUID) -> Request:
    """A request this token may read: with `read` all of its project's, else its account's own.

    Raises NotFound, Forbidden.
    """
    found = load_for_token(token, request_id)
    if "request" not in token.scopes or not _same_door(token, found):
        require_scope(token, "read")
    return found


def request_numbered(token: ProjectToken, number: int) -> UUID:
    """The id of the request of the token's project that people call by this number.

    Raises NotFound.
    """
    project = token.account.project_id
    found = Request.objects.filter(number=number, project=project).values_list("pk").first()
    if found is None:
        raise NotFound("There is no request of this number in the project of this token.")
    return found[0]


def owned_by(
    token: ProjectToken, request_id: UUID, run_id: str, run_attempt: int, *, lock: bool = False
) -> Request:
    """The request, where this service account and this run attempt made it.

    `lock` takes the row's lock (in a transaction). Raises NotFound, Forbidden for another run.
    """
    if lock:
        Request.objects.select_for_update().filter(pk=request_id).values_list("pk").first()
    request = load_for_token(token, request_id)
    if not _same_door(token, request) or (request.run["id"], request.run["attempt"]) != (
        run_id,
        run_attempt,
    ):
        raise Forbidden(
            "Another run made this request. Only the run attempt that asked may go on with it.",
            code="another-run",
        )
    return request


def owned_permit(token: ProjectToken, permit_id: UUID, run_id: str, run_attempt: int) -> Permit:
    """The permit of a request this run attempt made. Raises NotFound, Forbidden."""
    found = Permit.objects.filter(pk=permit_id, request__project=token.account.project_id).first()
    if found is None:
        raise NotFound("There is no such permit in the project of this token.")
    owned_by(token, found.request_id, run_id, run_attempt)
    return found
