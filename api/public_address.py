"""The address under which other people reach the app: what links, invitations and QR codes say.

The browser's own address will not do: whoever opens the page at localhost would send links that
work on that machine only.
"""

import ipaddress
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request

from api.edge.options import host_name
from api.edge.proxies import FROM_PROXY
from config import Settings, is_loopback

ANYWHERE = {4: ("192.0.2.1", socket.AF_INET), 6: ("2001:db8::1", socket.AF_INET6)}
"""Addresses for documentation (RFC 5737, RFC 3849): nothing is sent to them."""


@dataclass(frozen=True, slots=True)
class PublicLink:
    """A whole link to send. `is_local`: it works on this machine only."""

    address: str
    is_local: bool


@dataclass(frozen=True, slots=True)
class PublicAddress:
    """Where other people reach the app. `configured` is --public-url.

    `own_address` returns this machine's host in the network, empty where the app does not listen
    on it. It is asked for each link: a laptop changes its network.
    """

    configured: str = ""
    root_path: str = ""
    own_address: Callable[[], str] = str

    @classmethod
    def from_settings(cls, settings: Settings, machine_name: str) -> "PublicAddress":
        """The address that these settings give."""
        return cls(
            settings.public_base,
            settings.root_path,
            lambda: own_address(settings.host, machine_name),
        )

    def link(self, request: Request, path: str) -> PublicLink:
        """The whole link to a path of the app."""
        base = self.configured or self._base(request)
        return PublicLink(f"{base}{path}", is_loopback(urlsplit(base).hostname or ""))

    def _base(self, request: Request) -> str:
        """What the browser asked for; where that is this machine, its address in the network."""
        # `Proxies` has removed this header unless a trusted proxy sent it.
        forwarded = request.headers.get("x-forwarded-host", "").partition(",")[0].strip()
        is_proxied = request.scope["state"].get(FROM_PROXY, False)
        host = (forwarded if is_proxied else "") or request.headers.get("host", "")
        name, own = (host_name(host) or "").strip("[]"), self.own_address()
        if is_loopback(name) and own and not is_proxied:
            port = host.rpartition(":")[2]
            host = f"{own}:{port}" if port.isdigit() else own
        return f"{request.scope['scheme']}://{host}{self.root_path}"


def own_address(listening: str, machine_name: str) -> str:
    """This machine's host in the network, as a URL has it; empty if only itself can reach it."""
    if is_loopback(listening):
        return ""
    try:
        address = ipaddress.ip_address(listening)
    except ValueError:
        return listening
    if address.is_unspecified:
        # Phones seldom resolve the name of a machine, so its address comes first.
        found = outgoing_address(4) or (outgoing_address(6) if address.version == 6 else "")
        return _in_url(found) if found else machine_name
    return _in_url(str(address))


def outgoing_address(version: int) -> str:
    """The address from which this machine reaches others; empty without a network.

    Connecting a UDP socket only chooses a route: no packet is sent.
    """
    target, family = ANYWHERE[version]
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            found = str(probe.getsockname()[0])
    except OSError:
        return ""
    return "" if ipaddress.ip_address(found).is_loopback else found


def _in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address
