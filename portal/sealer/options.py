"""What the sealer reads from its environment."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Options:
    """Where the ledger is, where the key lies, how a new log is called."""

    database_url: str
    key_file: Path
    origin: str


def read_options(environment: Mapping[str, str] = os.environ) -> Options:
    """Read the settings; each has a default where one is safe."""
    home = Path(environment.get("COUNTERSIGN_HOME") or CHECKOUT / ".countersign")
    key_file = environment.get("COUNTERSIGN_CHECKPOINT_KEY_FILE")
    return Options(
        database_url=environment.get("DATABASE_URL") or "postgresql:///countersign",
        key_file=Path(key_file) if key_file else home / "keys" / "checkpoint.pem",
        origin=new_origin(environment.get("COUNTERSIGN_URL", "")),
    )


def new_origin(url: str) -> str:
    """A name for a new log: the portal's host, and something no other log of it has."""
    host = re.sub(r"[^A-Za-z0-9.:\[\]-]", "", urlsplit(url).netloc.rpartition("@")[2])
    return f"{host or 'countersign'}/log/{secrets.token_hex(4)}"
