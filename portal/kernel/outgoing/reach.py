"""Where calls may go."""

from dataclasses import dataclass

from portal.kernel.outgoing.address import Address
from portal.kernel.outgoing.failed import OutgoingFailed


@dataclass(frozen=True)
class Reach:
    """Where one connection may go: `hosts` as `host` or `host:port` in lower case, no others.

    `private`: they may be inside the network (loopback, private, link-local, metadata), and may
    speak plain http. `authority`: the certificates, as PEM, of who vouches for them; empty for
    those that the system trusts.
    """

    hosts: frozenset[str]
    private: bool = False
    authority: str = ""

    def names(self, address: Address) -> bool:
        """Whether the address's host is one of them."""
        return bool({address.name, f"{address.name}:{address.port}"} & self.hosts)

    def check(self, address: Address) -> None:
        """Raises OutgoingFailed for an address that may not be asked."""
        if not self.names(address):
            raise OutgoingFailed("its host is not among those that may be asked")
        if not (address.secure or self.private):
            raise OutgoingFailed("its address must begin with https://")
