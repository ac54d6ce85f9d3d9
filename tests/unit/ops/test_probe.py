"""Where `start.sh` asks the app, and the address that it shows."""

import socket
from pathlib import Path

import pytest

from api.ops.probe import addresses, describe
from config import read_settings


@pytest.mark.parametrize(
    ("host", "asked", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:7860", "http://127.0.0.1:7860/chat"),
        ("::1", "http://[::1]:7860", "http://[::1]:7860/chat"),
        ("[::1]", "http://[::1]:7860", "http://[::1]:7860/chat"),
        ("0.0.0.0", "http://127.0.0.1:7860", f"http://{socket.gethostname()}:7860/chat"),
        ("::", "http://127.0.0.1:7860", f"http://{socket.gethostname()}:7860/chat"),
        ("chat.example", "http://chat.example:7860", "http://chat.example:7860/chat"),
    ],
)
def test_the_app_is_asked_and_shown_where_it_can_be_reached(
    host: str, asked: str, shown: str
) -> None:
    settings = read_settings(["--host", host, "--root-path", "/chat"], {}, Path("no-such.env"))
    assert addresses(settings) == (asked, shown)


def test_a_ready_app_is_described_with_its_model_where_it_names_one() -> None:
    assert describe({"ready": True, "model": "Qwen2.5-7B"}) == "ready: Qwen2.5-7B"
    assert describe({"ready": True, "model": None}) == "ready"
