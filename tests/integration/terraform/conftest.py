"""A store of plans and the system that sends there, and requests that name a run."""

from tests.integration.monitoring.conftest import connect, hold, question, read, remote

__all__ = ["connect", "hold", "question", "read", "remote"]
