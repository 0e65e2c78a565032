"""The session engine: Django's own in the database, whose rows say who signed in, and from where.

`SESSION_ENGINE` names this module. A row is written when the session is, never because of a page.
Of the key in a cookie only a hash is stored: a copy of the database signs nobody in.
"""

import hashlib
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from portal.accounts.models import Session
from portal.kernel.clock import now

DEVICE = "device"  # in the session: what was known at sign-in


def _stored(key: str) -> str:
    """160 bits of its SHA-256, which the column has room for."""
    return hashlib.sha256(key.encode()).hexdigest()[:40]


class SessionStore(DatabaseStore):
    """Hashes the key, and copies person and device into columns that can be searched."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self) -> Session | None:
        key = _stored(self.session_key or "")
        found = Session.objects.filter(session_key=key, expire_date__gt=now()).first()
        if found is None:
            self._session_key = None
        return found

    def exists(self, session_key: str) -> bool:
        return super().exists(_stored(session_key))

    def delete(self, session_key: str | None = None) -> None:
        if key := session_key or self.session_key:
            super().delete(_stored(key))

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        row.session_key = _stored(row.session_key)
        if device := data.get(DEVICE):
            row.person_id = data.get(SESSION_KEY)
            for name, value in device.items():
                setattr(row, name, value)
        return row
