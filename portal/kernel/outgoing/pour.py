"""Bytes for a server that answers nothing, as one of syslog; limited like every call outside."""

from portal.kernel.outgoing.address import Address
from portal.kernel.outgoing.failed import OutgoingFailed, in_words
from portal.kernel.outgoing.reach import Reach
from portal.kernel.outgoing.wire import Deadline, connected


def pour(data: bytes, address: Address, reach: Reach, *, seconds: float) -> None:
    """Send `data` over TLS; on return the other side has read all of it. At most `seconds`.

    Raises OutgoingFailed, also where it may have read a part.
    """
    reach.check(address)
    if not address.secure:
        raise OutgoingFailed("its address is not one of a secure connection")
    with in_words(), connected(address, Deadline(seconds), reach) as wire:
        wire.sendall(data)
        wire.finish()
