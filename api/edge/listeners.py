"""The sockets that the app listens on, bound before anything slow begins. Serves nothing."""

import errno
import os
import socket
from collections.abc import Sequence

from chat.errors import StartupError

BACKLOG = 2048
"""Length of a socket's accept queue; uvicorn's default."""
ATTEMPTS = 20
"""For a port of the system's choice that is free at every address."""
NOT_HERE = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT})
"""The machine has no such address, or none of its kind."""

Address = tuple[socket.AddressFamily, str]


def listen(host: str, port: int) -> Sequence[socket.socket]:
    """Listening sockets for every address of `host`, all on one port. Raises StartupError.

    `::` stands for every IPv4 address too. Port 0 takes a free one.
    """
    addresses = _addresses(host)
    for _ in range(ATTEMPTS if port == 0 else 1):
        try:
            return _bound(addresses, port)
        except OSError as error:
            failure = error
            if error.errno != errno.EADDRINUSE:
                break
    raise StartupError(_sentence(host, port, failure)) from None


def _addresses(host: str) -> Sequence[Address]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise StartupError(
            f"--host {host!r} has no address. Name an address of this machine, such as 127.0.0.1 "
            "for this machine alone or 0.0.0.0 for its network."
        ) from None
    # Not place[0] alone, which lacks the zone of a link-local address: "fe80::1%eth0".
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    addresses = [(family, socket.getnameinfo(place, numeric)[0]) for family, *_, place in found]
    if (socket.AF_INET6, "::") in addresses:
        addresses.append((socket.AF_INET, "0.0.0.0"))  # noqa: S104 - that is what was asked for
    return list(dict.fromkeys(addresses))


def _bound(addresses: Sequence[Address], port: int) -> Sequence[socket.socket]:
    """A socket for each address that the machine has. Raises OSError."""
    bound: list[socket.socket] = []
    failure: OSError | None = None
    for family, address in addresses:
        try:
            # Each family has a socket of its own: in one for both an IPv4 client would be named
            # ::ffff:127.0.0.1, which no trusted proxy and no bound per address is written as.
            bound.append(socket.create_server((address, port), family=family, backlog=BACKLOG))
        except OSError as error:
            if error.errno not in NOT_HERE:
                _close(bound)
                raise
            failure = error
        else:
            port = bound[0].getsockname()[1]
    if failure and not bound:
        raise failure
    return bound


def _close(sockets: Sequence[socket.socket]) -> None:
    for one in sockets:
        one.close()


def _sentence(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EACCES:
        return f"Port {port} may not be opened by this user. Choose one above 1023 with --port."
    if error.errno in NOT_HERE:
        return f"{host} is no address of this machine. Name one that it has with --host."
    return (
        f"Port {port} on {host} cannot be opened: {os.strerror(error.errno or 0)}. "
        "Stop the program that uses it, or choose another with --port."
    )
