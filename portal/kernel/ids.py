"""Identifiers: UUIDv7 (RFC 9562), made in Python because PostgreSQL has them only from 18 on."""

import uuid

from uuid_utils import compat


def new_id() -> uuid.UUID:
    """A new time-ordered UUIDv7."""
    return compat.uuid7()
