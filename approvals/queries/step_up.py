"""The second factor that a person showed for a decision on a request, while it is fresh."""

from datetime import timedelta

from approvals.asked import step_up_age
from approvals.context.drift import changes_that_matter
from approvals.models import Request, StepUp
from portal.accounts.models import User
from portal.kernel.clock import now


def fresh_step_up(person: User, request: Request, session: str) -> StepUp | None:
    """The newest that this person may decide with in this session, or None.

    It was shown for this request and round, not longer ago than policy says, served no decision
    yet, and nothing that matters moved since the snapshot it was shown for.
    """
    age = step_up_age(request)
    if not age or request.snapshot is None or request.verdict is None:
        return None
    found = (
        StepUp.objects.filter(
            person=person,
            request=request,
            session=session,
            decision=None,
            at__gt=now() - timedelta(seconds=age),
            snapshot__round=request.round,
        )
        .select_related("snapshot")
        .order_by("-at")
        .first()
    )
    if found is None:
        return None
    moved = changes_that_matter(found.snapshot.typed, request.snapshot.typed, request.verdict.body)
    return None if moved else found
