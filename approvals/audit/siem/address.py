"""Where a stream sends: a URL for webhooks, HOST:PORT for syslog."""

import re

from django.utils.translation import gettext as _

from approvals.models import SiemStream
from portal.kernel.outgoing import Address, NoAddress, Reach, parse_address
from portal.kernel.validation import invalid

_PLACE = re.compile(r"[^/?#@\s]+:[0-9]{1,5}")


def address_of(stream: SiemStream) -> Address:
    """The parts of its address. Raises Invalid naming the field."""
    if stream.kind == SiemStream.Kind.CEF:
        return _syslog(stream.address)
    try:
        address = parse_address(stream.address)
    except NoAddress as problem:
        raise invalid("address", str(problem)) from None
    if not (address.secure or stream.private):
        raise invalid(
            "address",
            _(
                "The address must begin with https://; http:// is only for systems inside this "
                "network."
            ),
        )
    return address


def reach_of(stream: SiemStream) -> Reach:
    """That address alone. Raises Invalid."""
    address = address_of(stream)
    host = f"{address.name}:{address.port}"
    return Reach(frozenset({host}), stream.private, stream.authority)


def _syslog(text: str) -> Address:
    try:
        if _PLACE.fullmatch(text):
            return parse_address(f"https://{text}")
    except NoAddress:
        pass
    raise invalid("address", _("Write it as HOST:PORT, for example siem.example.com:6514."))
