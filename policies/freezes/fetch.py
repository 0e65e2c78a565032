"""One GET of a calendar from outside, that must not reach inside.

https only, public addresses only. Hosts that an administrator lists (COUNTERSIGN_CALENDAR_HOSTS)
may be inside, and may speak http.
"""

from dataclasses import dataclass
from http import HTTPStatus

from django.conf import settings

from policies.freezes.ical import MAX_BYTES
from policies.freezes.problems import CalendarError
from portal.kernel.outgoing import Address, Got, NoAddress, OutgoingFailed, Reach, parse_address
from portal.kernel.outgoing import send as ask

MAX_ADDRESS = 1_000
SECONDS = 10.0


@dataclass(frozen=True)
class Fetched:
    """The answer: `body` is None when nothing changed (304)."""

    body: bytes | None
    etag: str = ""
    last_modified: str = ""


def check_address(url: str) -> Reach:
    """Where reading this address may go. Raises CalendarError; asks nobody."""
    try:
        if len(url) > MAX_ADDRESS:
            raise NoAddress(f"The address is longer than {MAX_ADDRESS} characters.")
        address = parse_address(url)
    except NoAddress as problem:
        raise CalendarError(str(problem), "url") from None
    reach = _reach(address)
    if not (address.secure or reach.private):
        raise CalendarError("The address must begin with https://.", "url")
    return reach


def _reach(address: Address) -> Reach:
    """This host only; inside the network only where an administrator vouches for it."""
    listed = Reach(frozenset(settings.CALENDAR_HOSTS), private=True)
    return listed if listed.names(address) else Reach(frozenset({address.name}))


def fetch(url: str, etag: str = "", last_modified: str = "") -> Fetched:
    """Read `url`, unless it is as it was. Raises OutgoingFailed, CalendarError."""
    headers = {"Accept": "text/calendar", "User-Agent": f"Countersign/{settings.VERSION}"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": last_modified} if last_modified else {}
    reach = check_address(url)
    got = ask("GET", url, reach, headers=headers, seconds=SECONDS, most_bytes=MAX_BYTES)
    if got.status == HTTPStatus.NOT_MODIFIED and (etag or last_modified):
        return Fetched(None, etag, last_modified)
    if got.status != HTTPStatus.OK:
        raise OutgoingFailed(f"its server answers {got.status}")
    return Fetched(got.body, _kept(got, "etag", 500), _kept(got, "last-modified", 100))


def _kept(got: Got, name: str, most: int) -> str:
    """A header to send again next time; nothing where it could not be stored or sent."""
    value = got.headers.get(name, "")
    return value if len(value) <= most and value.isascii() and value.isprintable() else ""
