"""Roles that overlap, changed by two administrators at the same moment."""

import pytest

from portal.access import Capability, grant_role, holds, revoke_role
from tests.races.together import together

pytestmark = pytest.mark.django_db(transaction=True)


def test_two_overlapping_roles_revoked_at_once_leave_nothing(who):
    """Each would keep what the other still gives, and the permission stayed without a role."""
    for role in ("viewer", "maintainer"):
        grant_role(by=who.admin, to=who.mallory, role=role, target=who.project)
    done = together(
        *(
            lambda role=role: revoke_role(
                by=who.admin, to=who.mallory, role=role, target=who.project
            )
            for role in ("viewer", "maintainer")
        )
    )
    assert [result.error for result in done] == [None, None]
    assert not holds(who.mallory, Capability.VIEW, who.project)
