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
        ("--allowed-origins", "https://*"),
        ("--allowed-origins", "https://*.chat.lan"),
        ("--allowed-origins", "*://chat.lan"),
        ("--allowed-origins", "file://*"),
        ("--allowed-origins", "data://x"),
        ("--allowed-origins", "app://"),
        ("--allowed-origins", "app://a/b"),
        ("--allowed-origins", "app://a*"),
        ("--allowed-origins", "chrome-extension://a b"),
    ],
)
def test_an_invalid_host_or_origin_prevents_the_start(arguments: tuple[str, ...]) -> None:
    with pytest.raises(StartupError, match=f"^{arguments[0]}"):
        options(*arguments)


@pytest.mark.parametrize(
    ("setting", "origin"),
    [
        ("https://Portal.example/", "https://portal.example"),
        ("app://obsidian.md", "app://obsidian.md"),
        ("APP://Obsidian.md/", "app://obsidian.md"),
        ("tauri://localhost", "tauri://localhost"),
        ("capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
        ("moz-extension://0b1c-22", "moz-extension://0b1c-22"),
        ("safari-web-extension://0B1C-22", "safari-web-extension://0B1C-22"),
        ("vscode-webview://*", "vscode-webview://1a2b3c4d"),
        ("vscode-file://vscode-app", "vscode-file://vscode-app"),
        ("app://-", "app://-"),
        ("app://.", "app://."),
    ],
)
def test_origins_of_pages_apps_and_extensions_can_be_allowed(setting: str, origin: str) -> None:
    edge = options("--allowed-origins", f"https://other.example,{setting}")
    assert edge.allows_origin(origin)
    for other in ("null", "https://evil.example", f"{origin}.evil", f"x{origin}", "app://evil"):
        assert not edge.allows_origin(other) or setting.endswith("*")
    assert not edge.allows_origin("https://evil.example")


def test_an_asterisk_stands_for_every_host_of_its_scheme_only() -> None:
    edge = options("--allowed-origins", "vscode-webview://*,moz-extension://*")
    for origin in ("vscode-webview://a", "moz-extension://b-1"):
        assert edge.allows_origin(origin)
    for origin in ("vscode-webview://", "vscode-webviews://a", "https://a", "x-moz-extension://a"):
        assert not edge.allows_origin(origin)
