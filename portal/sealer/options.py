"""What the sealer reads from its environment."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from portal.sealer.refusals import WrongSetting

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Options:
    """Where the ledger is, where the key lies, how a new log is called.

    `anchors` are the addresses of places outside that get a checkpoint each `anchor_seconds`.
    """

    database_url: str
    key_file: Path
    origin: str
    anchors: tuple[str, ...] = ()
    anchor_seconds: float = 60.0


def read_options(environment: Mapping[str, str] = os.environ) -> Options:
    """Read the settings; each has a default where one is safe. Raises WrongSetting."""
    home = Path(environment.get("COUNTERSIGN_HOME") or CHECKOUT / ".countersign")
    key_file = environment.get("COUNTERSIGN_CHECKPOINT_KEY_FILE")
    return Options(
        database_url=environment.get("DATABASE_URL") or "postgresql:///countersign",
        key_file=Path(key_file) if key_file else home / "keys" / "checkpoint.pem",
        origin=new_origin(environment.get("COUNTERSIGN_URL", "")),
        anchors=tuple(environment.get("COUNTERSIGN_ANCHORS", "").split()),
        anchor_seconds=_seconds(environment.get("COUNTERSIGN_ANCHOR_SECONDS") or "60"),
    )


def _seconds(written: str) -> float:
    if not written.isascii() or not written.isdigit() or int(written) < 1:
        raise WrongSetting("COUNTERSIGN_ANCHOR_SECONDS is a whole number of seconds, 1 or more.")
    return float(written)


def new_origin(url: str) -> str:
    """A name for a new log: the portal's host, and something no other log of it has."""
    host = re.sub(r"[^A-Za-z0-9.:\[\]-]", "", urlsplit(url).netloc.rpartition("@")[2])
    return f"{host or 'countersign'}/log/{secrets.token_hex(4)}"
