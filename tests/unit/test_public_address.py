"""Links that are sent name an address that other people can open, or say that they do not."""

import pytest
from starlette.requests import Request

from api.edge.options import EdgeOptions
from api.edge.proxies import FROM_PROXY
from api.public_address import PublicAddress, own_address
from config import read_settings
from pages.sharing import qr_code

NETWORK = PublicAddress(own_address=lambda: "192.168.1.5")


def request(host: str, *, proxied: bool = False, scheme: str = "http", **headers: str) -> Request:
    pairs = {"host": host, **{name.replace("_", "-"): value for name, value in headers.items()}}
    raw = [(name.encode(), value.encode()) for name, value in pairs.items()]
    state = {FROM_PROXY: proxied}
    return Request({"type": "http", "scheme": scheme, "headers": raw, "state": state})


@pytest.mark.parametrize(
    ("address", "asked", "link", "is_local"),
    [
        (PublicAddress(), request("localhost:7860"), "http://localhost:7860/guest#x", True),
        (PublicAddress(), request("127.0.0.1:7860"), "http://127.0.0.1:7860/guest#x", True),
        (PublicAddress(), request("[::1]:7860"), "http://[::1]:7860/guest#x", True),
        (NETWORK, request("localhost:7860"), "http://192.168.1.5:7860/guest#x", False),
        (NETWORK, request("[::1]:7860"), "http://192.168.1.5:7860/guest#x", False),
        (NETWORK, request("localhost"), "http://192.168.1.5/guest#x", False),
        (NETWORK, request("box.local:7860"), "http://box.local:7860/guest#x", False),
        (
            PublicAddress("https://chat.example/talk", "/talk"),
            request("localhost:7860"),
            "https://chat.example/talk/guest#x",
            False,
        ),
        (
            PublicAddress(root_path="/talk"),
            request("localhost:7860", proxied=True, scheme="https", x_forwarded_host="a.example"),
            "https://a.example/talk/guest#x",
            False,
        ),
        (
            PublicAddress(),
            request("b.example", proxied=True, scheme="https"),
            "https://b.example/guest#x",
            False,
        ),
    ],
)
def test_a_link_names_the_best_address_that_is_known(
    address: PublicAddress, asked: Request, link: str, is_local: bool
) -> None:
    shared = address.link(asked, "/guest#x")
    assert (shared.address, shared.is_local) == (link, is_local)


def test_a_forwarded_host_counts_only_from_a_trusted_proxy() -> None:
    asked = request("box.local:7860", x_forwarded_host="evil.example")
    assert PublicAddress().link(asked, "/").address == "http://box.local:7860/"


@pytest.mark.parametrize(
    ("listening", "expected"),
    [
        ("127.0.0.1", ""),
        ("localhost", ""),
        ("10.1.2.3", "10.1.2.3"),
        ("2001:db8::7", "[2001:db8::7]"),
        ("chat.example", "chat.example"),
    ],
)
def test_a_machine_names_itself_only_where_it_listens_on_the_network(
    listening: str, expected: str
) -> None:
    assert own_address(listening, "box") == expected


def test_the_public_name_is_allowed_as_a_host() -> None:
    settings = read_settings(["--public-url", "https://Chat.Example:8443/talk"], {})
    options = EdgeOptions.from_settings(settings, machine_name="box")
    assert options.allows_host("chat.example:8443")
    assert not options.allows_host("other.example")


def test_a_qr_code_is_dark_on_white_with_a_quiet_zone_of_four() -> None:
    code = qr_code("http://192.168.1.5:7860/guest#" + "a" * 43)
    assert 'fill="#fff"' in code
    assert 'stroke="#000" d="M4 4.5' in code
    assert "<script" not in code
    assert "style=" not in code  # the pages' policy would refuse it
