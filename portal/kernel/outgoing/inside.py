"""Telling addresses inside from public ones, in every disguise."""

import ipaddress

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
# Beyond what `is_global` says: metadata services at addresses that count as public.
_INSIDE_4 = tuple(
    map(ipaddress.IPv4Network, ("168.63.129.16/32", "192.0.0.0/24", "192.88.99.0/24"))
)


def is_inside(address: str) -> bool:
    """Whether an IP address is anything but a public one; what embeds another is read as that."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return any(ip in network for network in _INSIDE_4) or _is_special(ip)
    embedded = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
    if ip in _NAT64:
        embedded = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if embedded is not None:
        return is_inside(str(embedded))
    return ip not in _PUBLIC_6 or _is_special(ip)


def _is_special(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return not ip.is_global or ip.is_multicast or ip.is_reserved
