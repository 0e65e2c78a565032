"""Loaded first (`-p tests.plugin`): one embedded PostgreSQL for the whole test run.

Settings read the environment when they are imported, so this must happen before Django. The xdist
controller starts the server; the workers inherit its address and make a database each.
"""

import os
import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.runner.postgres import Server, embedded_postgres

SOCKET = "COUNTERSIGN_TEST_SOCKET"
_stack = ExitStack()


def _begin() -> None:
    if SOCKET not in os.environ:
        server = _stack.enter_context(embedded_postgres(durable=False))
        os.environ[SOCKET] = str(server.socket_directory)
        home = _stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-test-"))
        os.environ["COUNTERSIGN_HOME"] = home
        os.environ["COUNTERSIGN_GIT_ROOTS"] = tempfile.gettempdir()
        os.environ["SECRET_KEY"] = secrets.token_urlsafe(48)
        for name in (
            "BROKER_URL",
            "COUNTERSIGN_URL",
            "COUNTERSIGN_TOKEN",
            "DATABASE_OWNER_URL",
            "SECRETS_KEY",
            "SECRETS_KEY_FILE",
        ):
            os.environ.pop(name, None)
    os.environ["DATABASE_URL"] = server_of_this_run().owner_url


def server_of_this_run() -> Server:
    """The cluster all tests of this run share."""
    return Server(Path(os.environ[SOCKET]))


_begin()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Ends the server where it was started (not in the xdist workers)."""
    _stack.close()
