"""What the user may set, and the environment that the children get from it."""

import os
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent.parent
DEFAULT_PORT = 8000
NOT_FOR_CHILDREN = ("DATABASE_OWNER_URL",)


class OptionError(Exception):
    """A setting has a value that cannot work; the message names it."""


@dataclass(frozen=True)
class Options:
    """The environment variables of `make run`, read once."""

    home: Path
    host: str
    port: int
    database_url: str
    owner_url: str
    broker_url: str
    url: str
    demo: bool

    @property
    def local_host(self) -> str:
        """The address at which this machine itself reaches the web server."""
        return "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104

    def environment(self, *, database_url: str, broker_url: str, secret: Path) -> dict[str, str]:
        """What every child sees: the app's database role, never the owner's."""
        kept = {name: os.environ[name] for name in os.environ if name not in NOT_FOR_CHILDREN}
        return {
            **kept,
            "DATABASE_URL": database_url,
            "BROKER_URL": broker_url,
            "COUNTERSIGN_HOME": str(self.home),
            "PORT": str(self.port),
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
            "SECRET_KEY_FILE": str(secret),
            "COUNTERSIGN_SIGNING_KEY_FILE": os.environ.get(
                "COUNTERSIGN_SIGNING_KEY_FILE", str(self.home / "keys" / "permit.pem")
            ),
            "COUNTERSIGN_URL": self.url,
            "COUNTERSIGN_EMBEDDED": "0" if self.database_url else "1",
            "PYTHONUNBUFFERED": "1",
        }


def read_options(environment: Mapping[str, str] = os.environ) -> Options:
    """Read the settings. Raises OptionError with the name of the one that cannot work."""
    database_url = environment.get("DATABASE_URL", "")
    port = _port(environment.get("PORT") or str(DEFAULT_PORT))
    return Options(
        home=Path(environment.get("COUNTERSIGN_HOME") or CHECKOUT / ".countersign").resolve(),
        host=environment.get("HOST") or "127.0.0.1",
        port=port,
        database_url=database_url,
        owner_url=environment.get("DATABASE_OWNER_URL") or database_url,
        broker_url=environment.get("BROKER_URL", ""),
        url=(environment.get("COUNTERSIGN_URL") or f"http://127.0.0.1:{port}").rstrip("/"),
        demo=environment.get("COUNTERSIGN_DEMO", "1") not in ("0", "no", "false"),
    )


def check_port(options: Options) -> None:
    """Raise OptionError when something listens on the port already."""
    try:
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((options.host, options.port))
    except OSError as error:
        raise OptionError(
            f"Cannot listen on {options.host}:{options.port} ({error.strerror}). Set PORT to a "
            f"free port, for example: make run PORT={options.port + 1}"
        ) from error


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65536:
        raise OptionError(f"PORT must be a number from 1 to 65535, not {text!r}.")
    return int(text)


def python(*arguments: str | Path) -> list[str | Path]:
    """A command line for the Python that runs us."""
    return [sys.executable, *arguments]
