"""What many tests begin with is made once: they run one after the other inside its transaction.

A company takes 360 statements. The next test that begins with it is rolled back to where it was
made, and gets a copy of its objects; one that begins with something else ends it. Tests that commit
make their own.
"""

from collections.abc import Callable
from contextlib import ExitStack
from copy import deepcopy
from typing import Any

import pytest
from django.db import connection, transaction

COMMITS = {"transactional_db", "live_server", "django_db_reset_sequences"}


class Shared:
    """At most one beginning is open, by the name of its fixture."""

    def __init__(self) -> None:
        self._makers: dict[str, Callable[[], Any]] = {}
        self._name, self._made, self._open = "", None, ExitStack()

    def fixture(self, make: Callable[[], Any]) -> Any:
        """A fixture that gives what `make` makes."""
        self._makers[make.__name__] = make

        @pytest.fixture(name=make.__name__)
        def given(db: None) -> Any:
            return deepcopy(self._made) if self._name == make.__name__ else make()

        return given

    def before(self, request: pytest.FixtureRequest) -> None:
        """A test is about to open its transaction; the database is there."""
        wanted = self._makers.keys() & set(request.fixturenames)
        name = "" if _commits(request) else min(wanted, default="")
        if name != self._name:
            self.end()
            if name:
                self._begin(name)

    def _begin(self, name: str) -> None:
        with ExitStack() as stack:
            stack.enter_context(transaction.atomic())
            stack.callback(transaction.set_rollback, True)
            self._made = self._makers[name]()
            self._name, self._open = name, stack.pop_all()

    def end(self) -> None:
        """Take it back."""
        self._name, self._made = "", None
        if connection.connection is None or not connection.is_usable():
            connection.close()
        self._open.close()


def _commits(request: pytest.FixtureRequest) -> bool:
    marker = request.node.get_closest_marker("django_db")
    return bool(marker and marker.kwargs.get("transaction")) or bool(
        COMMITS & set(request.fixturenames)
    )


shared = Shared()
