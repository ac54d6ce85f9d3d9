"""Addresses with and without a slash at the end, with and without a root path."""

import re
from functools import cache

import httpx
import pytest
from fastapi import FastAPI

from api.edge.options import EdgeOptions
from api.edge.permissions import ROUTES
from tests.integration.edge.test_edge import build, client_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@cache
def site(root: str) -> FastAPI:
    return build(EdgeOptions(root_path=root))


def plain_paths() -> list[str]:
    """An address of each route but those that take a path, and Gradio's, which may stream.

    Nor of those that Gradio has with a slash too.
    """
    left_out = (":path}", "/gradio_api/")
    routes = [
        route
        for route in ROUTES
        if f"{route}/" not in ROUTES and not any(part in route for part in left_out)
    ]
    return [re.sub(r"{[^}]*}", "x", route) for route in routes if not route.endswith("/")]


async def followed(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """The answer, after at most one redirect to an address without a host."""
    answer = await client.get(path)
    if answer.is_redirect:
        target = answer.headers["location"]
        assert target.startswith("/")
        assert not target.startswith("//")
        answer = await client.get(target)
    assert not answer.is_redirect
    return answer


@pytest.mark.parametrize("root", ["", "/chat"])
async def test_an_address_is_answered_alike_with_and_without_a_slash(root: str) -> None:
    async with client_of(site(root)) as client:
        for path in plain_paths():
            plain = await followed(client, root + path)
            slashed = await client.get(f"{root}{path}/?x=1%2F2")
            if path.startswith("/v1"):  # programs do not follow redirects
                assert slashed.status_code == plain.status_code, path
                continue
            assert slashed.status_code == 307, path
            assert slashed.headers["location"] == f"{root}{path}?x=1%2F2"
            assert (await followed(client, f"{root}{path}/")).status_code == plain.status_code


@pytest.mark.parametrize("path", ["/chat", "/chat//", "/%63hat"])
async def test_the_page_is_served_below_its_root_path_alone(path: str) -> None:
    """Its own addresses are relative: at /chat they would lead outside the root path."""
    async with client_of(site("/chat")) as client:
        answer = await client.get(path, params={"lang": "zh"})
        assert (answer.status_code, answer.headers["location"]) == (307, "/chat/?lang=zh")
        assert (await client.get("/chat/")).status_code == 200
        assert (await client.get("/")).status_code == 200  # the proxy has removed the root path


@pytest.mark.parametrize("path", ["//evil.example/", "//evil.example//", "/\\evil.example/"])
@pytest.mark.parametrize("root", ["", "/chat"])
async def test_no_redirect_leads_to_another_host(root: str, path: str) -> None:
    async with client_of(site(root)) as client:
        answer = await client.get(f"http://localhost:7860{root}{path}")
        target = answer.headers.get("location", "/")
        assert target.startswith("/")
        assert not target.startswith(("//", "/\\"))


async def test_only_requests_without_a_body_are_redirected() -> None:
    async with client_of(site("")) as client:
        assert (await client.post("/question/", json={})).status_code in (404, 405)
        assert (await client.head("/healthz/")).status_code == 307
