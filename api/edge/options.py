"""The edge's options, made from the settings. Knows no request."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

from chat.conversations.validation import MAX_IMPORT_BYTES
from chat.errors import StartupError
from config import Settings, is_loopback

MIB = 1024 * 1024
WEB_SCHEMES = frozenset({"http", "https"})
NO_ORIGINS = frozenset({"about", "blob", "data", "file", "ftp", "javascript", "ws", "wss"})
"""Schemes that no Origin header has: what comes from there says "null", or another scheme."""

_APP_ORIGIN = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(\*|[a-z0-9._~-]{1,255}(:[0-9]{1,5})?)")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:(?P<port>[0-9]{1,5}))?")
_DEFAULT_PORT = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class EdgeOptions:
    """Allowed host names and origins, trusted proxies, limits of size (bytes) and time.

    `any_ip_literal` allows every Host that is an IP address: DNS rebinding needs a name.
    `allowed_origins` are web origins, and those of desktop apps and browser extensions, such as
    app://obsidian.md; `*` in place of their host stands for every one of that scheme.
    `trusted_proxies` are addresses and networks whose X-Forwarded-* headers are trusted, and which
    may name a user in the `sign_in_header`.
    `max_body_bytes` bounds every body but an import (`import_max_bytes`); `api.edge.bodies` has the
    smaller bounds of each route. `max_held_bytes` bounds the sum of the bodies in memory, and
    `max_held_bytes_each` that of one user, or of one address without a user.
    `header_timeout_s` limits the time for a request's header, `body_timeout_s` the time between two
    parts of its body.
    """

    allowed_hosts: frozenset[str] = frozenset({"localhost"})
    any_ip_literal: bool = False
    allowed_origins: tuple[str, ...] = ()
    root_path: str = ""
    trusted_proxies: tuple[str, ...] = ()
    sign_in_header: str | None = None
    max_body_bytes: int = 8 * MIB
    import_max_bytes: int = MAX_IMPORT_BYTES
    max_held_bytes: int = 256 * MIB
    max_held_bytes_each: int = 96 * MIB
    max_header_bytes: int = 32 * 1024
    max_headers: int = 100
    header_timeout_s: float = 10.0
    body_timeout_s: float = 30.0

    @classmethod
    def from_settings(cls, settings: Settings, *, machine_name: str) -> Self:
        """The options of these settings. Raises StartupError for an invalid name or origin."""
        open_to_network = not is_loopback(settings.host)
        names = {"localhost", *map(_plain_name, settings.allowed_hosts)}
        if bound := host_name(settings.host):
            names.add(bound)
        if public := host_name(urlsplit(settings.public_url or "").netloc):
            names.add(public)
        if open_to_network and (own := host_name(machine_name)):
            names |= {own, f"{own}.local"}
        return cls(
            allowed_hosts=frozenset(names),
            any_ip_literal=open_to_network,
            allowed_origins=tuple(map(_plain_origin, settings.allowed_origins)),
            root_path=settings.root_path,
            trusted_proxies=tuple(map(_plain_network, settings.trusted_proxies)),
            sign_in_header=settings.sign_in_header,
        )

    @property
    def origin_pattern(self) -> str | None:
        """A pattern of the allowed origins, in any case; None if there are none."""
        patterns = [re.escape(each).replace(r"\*", "[^/]+") for each in self.allowed_origins]
        return f"(?i:{'|'.join(patterns)})" if patterns else None

    def allows_origin(self, header: str) -> bool:
        """Whether an Origin header is that of an allowed page, app or extension."""
        return bool(self.origin_pattern and re.fullmatch(self.origin_pattern, header))

    def allows_host(self, header: str) -> bool:
        """Whether a Host header names this app."""
        name = host_name(header)
        if name is None:
            return False
        if name in self.allowed_hosts:
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return self.any_ip_literal or address.is_loopback


def host_name(header: str) -> str | None:
    """The name in a Host header, lower-case and without port; None if it is not a name."""
    match = _HOST.fullmatch(header.lower())
    return match["name"] if match and int(match["port"] or 0) <= 65535 else None


def origin_host(origin: str) -> tuple[str, str] | None:
    """Scheme and host of an Origin header, without a default port; None if it is invalid."""
    scheme, separator, host = origin.lower().partition("://")
    if scheme not in _DEFAULT_PORT or not separator or host_name(host) is None:
        return None
    return scheme, host.removesuffix(_DEFAULT_PORT[scheme])


def _plain_name(value: str) -> str:
    if name := host_name(value):
        return name
    raise StartupError(
        f"--allowed-hosts {value!r} is not a host name. Write it without scheme and path, "
        "such as chat.example.org."
    )


def _plain_origin(value: str) -> str:
    if parsed := origin_host(value.rstrip("/")):
        scheme, host = parsed
        return f"{scheme}://{host}"
    app = _APP_ORIGIN.fullmatch(value.rstrip("/").lower())
    if app and app["scheme"] not in WEB_SCHEMES | NO_ORIGINS:
        return app[0]
    raise StartupError(
        f"--allowed-origins {value!r} is not an origin. Write scheme and host, such as "
        "https://portal.example.org, app://obsidian.md or vscode-webview://*."
    )


def _plain_network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise StartupError(
            f"--trusted-proxies {value!r} is neither an address nor a network. "
            "Write it as 127.0.0.1 or 10.0.0.0/8."
        ) from None
