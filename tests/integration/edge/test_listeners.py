"""Which addresses `--host` stands for, by real connections."""

import socket
from collections.abc import Callable, Iterator, Sequence

import pytest

from api.edge.listeners import listen
from chat.errors import StartupError

Listen = Callable[..., Sequence[socket.socket]]


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


IPV6 = has_ipv6()


@pytest.fixture
def opened() -> Iterator[Listen]:
    """Listens on a host, and closes the sockets at the end."""
    sockets: list[socket.socket] = []

    def opened(host: str, port: int = 0) -> Sequence[socket.socket]:
        sockets.extend(bound := listen(host, port))
        return bound

    yield opened
    for one in sockets:
        one.close()


def client_seen_by(sockets: Sequence[socket.socket], address: str) -> str | None:
    """How the server names a client that connects to `address`; None where it cannot."""
    port = sockets[0].getsockname()[1]
    try:
        client = socket.create_connection((address, port), timeout=5)
    except OSError:
        return None
    family = client.family
    with client:
        listener = next(one for one in sockets if one.family == family)
        listener.settimeout(5)
        connection, name = listener.accept()
        connection.close()
    return str(name[0])


@pytest.mark.parametrize(
    ("host", "v4", "v6"),
    [
        ("::", True, True),
        ("::1", False, True),
        ("0.0.0.0", True, False),
        ("127.0.0.1", True, False),
        ("localhost", True, None),
    ],
)
def test_a_host_is_reached_by_its_addresses_and_its_clients_by_plain_names(
    opened: Listen, host: str, v4: bool, v6: bool | None
) -> None:
    if not IPV6 and not v4:
        pytest.skip("this machine has no IPv6")
    sockets = opened(host)
    assert client_seen_by(sockets, "127.0.0.1") == ("127.0.0.1" if v4 else None)
    if v6 is not None:
        assert client_seen_by(sockets, "::1") == ("::1" if v6 and IPV6 else None)


def test_all_addresses_have_one_port(opened: Listen) -> None:
    sockets = opened("::")
    assert len({one.getsockname()[1] for one in sockets}) == 1
    assert len(sockets) == 1 + IPV6


@pytest.mark.parametrize(("taker", "host"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "::")])
def test_a_port_that_is_taken_at_one_address_is_refused_with_its_number(
    opened: Listen, taker: str, host: str
) -> None:
    (taken,) = opened(taker)
    port = taken.getsockname()[1]
    with pytest.raises(StartupError, match=f"Port {port} on {host} cannot be opened"):
        listen(host, port)


def test_an_address_of_another_machine_is_refused_with_a_sentence() -> None:
    with pytest.raises(StartupError, match=r"192\.0\.2\.1 is no address of this machine"):
        listen("192.0.2.1", 0)


def test_a_name_without_an_address_is_refused_with_a_sentence() -> None:
    with pytest.raises(StartupError, match="has no address"):
        listen("x" * 64, 0)  # longer than a name can be, so that no name server is asked
