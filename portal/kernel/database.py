"""Database connections outside Django's own request cycle."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection, connections

# What a database that is away, restarts or is overloaded raises: the same call may do later.
AWAY = (OperationalError, InterfaceError)

P = ParamSpec("P")
T = TypeVar("T")


def gives_back(function: Callable[P, T]) -> Callable[P, T]:
    """Hand this thread's connections back to the pool when `function` ends, however it ends."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        finally:
            for connection in connections.all(initialized_only=True):
                connection.close()

    return wrapper


def let_go() -> None:
    """Nobody holds one of the few database connections while waiting for somebody outside."""
    if not connection.in_atomic_block:
        connection.close()
