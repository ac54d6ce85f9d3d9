"""The page can be installed as an app: its manifest and icons."""

import struct
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from api.edge.options import EdgeOptions
from api.server import build_api
from tests.fakes import ScriptedEngine


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app: FastAPI = build_api(engine=ScriptedEngine(), edge=EdgeOptions())
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield client


def size_of(png: bytes) -> str:
    width, height = struct.unpack(">II", png[16:24])
    return f"{width}x{height}"


async def test_the_manifest_has_the_fields_that_browsers_require(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/manifest.json")
    manifest = answer.json()
    assert answer.headers["content-type"] == "application/manifest+json"
    assert manifest["name"] == "Qwen Chat"
    assert manifest["display"] == "standalone"
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in manifest["icons"]}
    assert "maskable" in {icon["purpose"] for icon in manifest["icons"]}


async def test_every_url_in_the_manifest_is_relative(
    client: httpx.AsyncClient,
) -> None:
    manifest = (await client.get("/manifest.json")).json()
    addresses = [manifest[key] for key in ("id", "start_url", "scope")]
    addresses += [icon["src"] for icon in manifest["icons"]]
    assert not [address for address in addresses if address.startswith("/") or ":" in address]


async def test_every_icon_exists_in_the_stated_size(client: httpx.AsyncClient) -> None:
    for icon in (await client.get("/manifest.json")).json()["icons"]:
        answer = await client.get("/" + icon["src"])
        assert answer.headers["content-type"] == icon["type"]
        if icon["type"] == "image/png":
            assert size_of(answer.content) == icon["sizes"]
    assert size_of((await client.get("/icons/apple-touch-icon.png")).content) == "180x180"
    assert size_of((await client.get("/favicon.ico")).content) == "32x32"


@pytest.mark.parametrize("name", ["none.png", "..%2Finstall.py", "install.py"])
async def test_no_other_file_of_the_icons_folder_is_served(
    client: httpx.AsyncClient, name: str
) -> None:
    assert (await client.get(f"/icons/{name}")).status_code == 404
