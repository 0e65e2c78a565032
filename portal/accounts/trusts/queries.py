"""The read side of trusts."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from portal.accounts.trusts.models import Trust
from portal.kernel.errors import NotFound


def trusts_of(project: Any) -> QuerySet[Trust]:
    """All of a project, those in use first."""
    trusts = Trust.objects.filter(project=project).select_related("account", "created_by")
    return trusts.order_by("archived_at", "name")


def load_trust(project: Any, trust_id: UUID) -> Trust:
    """A trust of this project. Raises NotFound."""
    trusts = Trust.objects.select_related("account", "created_by")
    trust = trusts.filter(pk=trust_id, project=project).first()
    if trust is None:
        raise NotFound("There is no such trust.")
    trust.project = trust.account.project = project
    return trust
