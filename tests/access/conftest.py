"""One world for the whole table: it is made once, and every question is rolled back."""

import pytest
from django.db import transaction

from tests.access.world import build
from tests.shared import shared


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        shared.end()
    with (
        django_db_blocker.unblock(),
        transaction.atomic(),
        pytest.MonkeyPatch.context() as patched,
    ):
        patched.setattr("approvals.audit.bundle.closing.SECONDS", 0)  # nobody seals here
        yield build()
        transaction.set_rollback(True)


@pytest.fixture
def undone(world):
    """A question leaves nothing behind."""
    with transaction.atomic():
        yield world
        transaction.set_rollback(True)
