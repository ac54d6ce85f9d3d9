"""Configuration of uvicorn, with limits on what is read before a request reaches the app."""

import asyncio
import socket

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.edge.options import EdgeOptions


def server_config(app: ASGIApp, *, edge: EdgeOptions, shutdown_s: int) -> uvicorn.Config:
    """uvicorn's configuration. `shutdown_s` is the time that open requests get at shutdown.

    The caller provides sockets and logging; responses do not name the server software.
    """

    class Protocol(HeaderTimeoutH11):
        header_timeout_s = edge.header_timeout_s

    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `api.edge.proxies` reads them, from trusted proxies alone
        # h11 rejects larger headers unparsed; between the two limits HeaderLimit answers 431.
        h11_max_incomplete_event_size=2 * edge.max_header_bytes,
        timeout_graceful_shutdown=shutdown_s,
    )


class HeaderTimeoutH11(H11Protocol):
    """uvicorn's HTTP/1.1 protocol; closes connections that do not complete a header in time."""

    header_timeout_s = 10.0
    _header_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        # asyncio sets TCP_NODELAY only on sockets that it creates itself. Without it (Nagle's
        # algorithm) a small chunk waits for the client's ACK of the one before, up to 40 ms.
        connection: socket.socket = transport.get_extra_info("socket")
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._await_header()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self._is_idle():
            self._await_header()
        else:
            self._forget_header()

    def connection_lost(self, exc: Exception | None) -> None:
        self._forget_header()
        super().connection_lost(exc)

    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _await_header(self) -> None:
        if self._header_timer is None:  # further bytes do not extend the time
            self._header_timer = self.loop.call_later(self.header_timeout_s, self.transport.close)

    def _forget_header(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None
