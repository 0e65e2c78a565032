"""Reading an address strictly, so that nobody after us can read it differently."""

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

MAX_ADDRESS = 8_000
_PORTS = {"https": 443, "http": 80}
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?")


class NoAddress(ValueError):
    """The address cannot be asked; the sentence is for whoever typed it."""


@dataclass(frozen=True)
class Address:
    """Where a call goes: `name` as it stands in an address (IPv6 in brackets), `target` on it."""

    secure: bool
    name: str
    port: int
    target: str

    @property
    def host(self) -> str:
        """The name as name services and certificates know it."""
        return self.name.strip("[]")

    @property
    def authority(self) -> str:
        """What the header Host says."""
        usual = _PORTS["https" if self.secure else "http"]
        return self.name if self.port == usual else f"{self.name}:{self.port}"


def parse_address(url: str) -> Address:
    """The parts of an `https://` or `http://` address; asks nobody. Raises NoAddress."""
    if len(url) > MAX_ADDRESS or not url.isascii() or not url.isprintable() or " " in url:
        raise NoAddress("This is no address; one begins with https://.")
    try:
        parts = urlsplit(url)
        name, port = _name(parts), parts.port
    except ValueError:
        raise NoAddress("This is no address; one begins with https://.") from None
    if not name or port == 0 or parts.scheme not in _PORTS:
        raise NoAddress("The address must begin with https://.")
    if parts.username is not None or parts.password is not None:
        raise NoAddress("An address with a user name or password is not accepted.")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme == "https", name, port or _PORTS[parts.scheme], target)


def _name(parts: SplitResult) -> str:
    """The host in lower case, empty when there is none. Raises ValueError for one that is odd."""
    host = (parts.hostname or "").lower()
    if ":" in host and "%" not in host:
        return f"[{ipaddress.IPv6Address(host)}]"
    if host and not _NAME.fullmatch(host):
        raise ValueError(host)
    return host
