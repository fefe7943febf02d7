"""Which addresses a notice may be sent to: not to this machine or its network, unless that is what is wanted."""

import ipaddress
import socket
from collections.abc import Iterable

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(text: str) -> bool:
    """Say whether an IP address is one of the open internet, also where it is wrapped in one of IPv6."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(each.is_global and not each.is_multicast for each in (found, *_within(found)))


def _within(address: _Address) -> Iterable[_Address]:
    """Return the IPv4 addresses that one of IPv6 leads to: mapped, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return ()
    teredo = address.teredo
    found: list[_Address | None] = [address.ipv4_mapped, address.sixtofour, *(() if teredo is None else teredo)]
    if address in ipaddress.ip_network("64:ff9b::/96"):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF))
    return [each for each in found if each is not None]


def connect(host: str, port: int, *, timeout_s: float, allow_private: bool) -> socket.socket:
    """Connect to a host.

    The name is looked up once, and the address that was checked is the one that is connected to: a name server that
    answers differently the second time is never asked a second time.

    Args:
        host: Its name, or an address.
        port: Where.
        timeout_s: How long each address may take.
        allow_private: Whether it may be an address of this machine or its network.

    Raises:
        OSError: It cannot be reached, or has only addresses that are not allowed.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [each for each in found if allow_private or is_public(str(each[4][0]))]
    if not allowed:
        raise PermissionError(f"{host} is an address of a private network: allow_private=True permits it")
    problem: OSError | None = None
    for family, kind, protocol, _, address in allowed:
        made = socket.socket(family, kind, protocol)
        try:
            made.settimeout(timeout_s)
            made.connect(address)
        except OSError as error:
            made.close()
            problem = error
        else:
            return made
    raise problem or OSError(f"{host} has no address")
