"""The one client of servers outside: pinned hosts, checked addresses, an end to everything.

No Django and no settings in here: whoever asks says where it may go (`Reach`) and how long.
"""

from portal.kernel.outgoing.address import Address, NoAddress, parse_address
from portal.kernel.outgoing.failed import OutgoingFailed
from portal.kernel.outgoing.inside import is_inside
from portal.kernel.outgoing.pour import pour
from portal.kernel.outgoing.reach import Reach
from portal.kernel.outgoing.send import Got, send

__all__ = [
    "Address",
    "Got",
    "NoAddress",
    "OutgoingFailed",
    "Reach",
    "is_inside",
    "parse_address",
    "pour",
    "send",
]
