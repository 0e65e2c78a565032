"""The session engine: Django's own in the database, whose rows say who signed in, and from where.

`SESSION_ENGINE` names this module. A row is written when the session is, never because of a page.
"""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from portal.accounts.models import Session

DEVICE = "device"  # in the session: what was known at sign-in


class SessionStore(DatabaseStore):
    """Copies person and device out of the session into columns that can be searched."""

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        row: Session = super().create_model_instance(data)  # type: ignore[assignment]
        if device := data.get(DEVICE):
            row.person_id = data.get(SESSION_KEY)
            for name, value in device.items():
                setattr(row, name, value)
        return row
