"""Which addresses are inside a network."""

import pytest

from portal.kernel.outgoing import is_inside


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
     "100.100.100.200", "168.63.129.16", "192.0.0.192", "0.0.0.0", "224.0.0.1", "240.0.0.1",
     "255.255.255.255", "198.18.0.1", "192.0.2.1",
     "::1", "::", "fe80::1%eth0", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
     "5f00::1", "100::1", "64:ff9b:1::7f00:1",
     "::127.0.0.1", "::93.184.215.14", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
     "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::",
     "2002:a9fe:a9fe::", "2001:0:c000:0201::80ff:fffe"],
)  # fmt: skip
def test_addresses_inside_are_known_in_every_disguise(address):
    assert is_inside(address)


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14",
     "64:ff9b::5db8:d70e", "2002:5db8:d70e::"],
)  # fmt: skip
def test_addresses_outside_are_not_inside(address):
    assert not is_inside(address)
