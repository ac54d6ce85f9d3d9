"""Host names and origins that the settings allow."""

import pytest

from api.edge.options import EdgeOptions
from chat.errors import StartupError
from config import read_settings


def options(*arguments: str) -> EdgeOptions:
    return EdgeOptions.from_settings(read_settings(arguments, {}), machine_name="Tower")


def test_on_the_network_ip_addresses_and_the_machines_name_are_allowed_hosts() -> None:
    edge = options("--host", "0.0.0.0", "--insecure-open", "--allowed-hosts", "Chat.lan,b.lan:80")
    for host in (
        "192.168.1.5:7860",
        "[2001:db8::1]",
        "tower",
        "tower.local:1",
        "chat.lan",
        "b.lan",
    ):
        assert edge.allows_host(host), host
    for host in ("evil.example", "tower.evil.example", "2130706433", "0x7f000001"):
        assert not edge.allows_host(host), host


def test_the_bound_host_name_is_allowed() -> None:
    assert options("--host", "chat.lan", "--insecure-open").allows_host("chat.lan:7860")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--allowed-hosts", "https://chat.lan"),
        ("--allowed-hosts", "*"),
        ("--allowed-origins", "*"),
        ("--allowed-origins", "null"),
        ("--allowed-origins", "chat.lan"),
        ("--allowed-origins", "https://chat.lan/path"),
    ],
)
def test_an_invalid_host_or_origin_prevents_the_start(arguments: tuple[str, ...]) -> None:
    with pytest.raises(StartupError, match=f"^{arguments[0]}"):
        options(*arguments)
