"""The names of the database and its roles, and how to address an embedded server."""

from pathlib import Path
from urllib.parse import quote

DATABASE = "countersign"
OWNER = "countersign_owner"
APP = "countersign_app"
SEALER = "countersign_sealer"


def server_url(socket_directory: Path, role: str = APP, database: str = DATABASE) -> str:
    """The address for one role, as DATABASE_URL takes it."""
    return f"postgresql://{role}@/{database}?host={quote(str(socket_directory), safe='')}"
