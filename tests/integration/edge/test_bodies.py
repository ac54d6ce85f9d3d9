"""What a body may be depends on where it is sent, and all bodies in memory have a sum."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from api.edge.options import MIB, EdgeOptions
from tests.house import House, client_of
from tests.programs import until
from ui.gradio_adapter.mount import event_names

JSON = {"Content-Type": "application/json"}
SIGN_IN = "/api/account/sign-in"
EMPTY_LISTS = b"[" + b"[]," * 2_000_000 + b"0]"


class Site:
    """The whole app, a signed-in client and one without a session."""

    def __init__(self, house: House, token: str) -> None:
        app = house.site()
        self.visitor, self.ann = client_of(app), client_of(app, token)
        self.events = {name: number for number, name in event_names(house.page).items()}

    async def event(self, name: str, data: bytes) -> httpx.Response:
        head = json.dumps({"fn_index": self.events[name], "session_hash": "tab"})[:-1]
        body = head.encode() + b', "data": ' + data + b"}"
        return await self.ann.post("/gradio_api/run/x", content=body, headers=JSON)


@pytest.fixture
async def site() -> Site:
    house = House()
    return Site(house, await house.add("ann"))


async def refused(answer: httpx.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"]["message"])


async def test_requests_without_a_session_may_send_sixteen_kib_and_little_structure(
    site: Site,
) -> None:
    large = {"name": "ann", "password": "x" * 16_384}
    assert "16 KiB" in await refused(await site.visitor.post(SIGN_IN, json=large), 413)
    answer = await site.visitor.post(SIGN_IN, content=EMPTY_LISTS[:5_000] + b"0]", headers=JSON)
    assert "100 lists and objects" in await refused(answer, 413)
    fitting = {"name": "ann", "password": "x" * 1_000}
    assert (await site.visitor.post(SIGN_IN, json=fitting)).status_code in (400, 401)


async def test_an_event_of_the_page_has_one_mib_unless_it_brings_files(site: Site) -> None:
    data = json.dumps(["x" * (MIB + 1)]).encode()
    assert "1 MiB" in await refused(await site.event("Sidebar.search", data), 413)
    assert (await site.event("Composer.attach", data)).status_code != 413
    data = json.dumps(["x" * (3 * MIB)]).encode()
    assert "3 MiB" in await refused(await site.event("Composer.attach", data), 413)
    answer = await site.event("Sidebar.search", EMPTY_LISTS[: MIB // 2 - 1] + b",0]")
    assert "2,000 lists and objects" in await refused(answer, 413)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/api/campaigns", "/v1/tokenize"])
async def test_other_bodies_have_two_mib_and_no_endless_structure(site: Site, path: str) -> None:
    answer = await site.ann.post(path, content=EMPTY_LISTS, headers=JSON)
    assert "2 MiB" in await refused(answer, 413)
    answer = await site.ann.post(path, content=EMPTY_LISTS[:1_500_000] + b"0]", headers=JSON)
    assert "20,000 lists and objects" in await refused(answer, 413)
    deep = b"[" * 65 + b"]" * 65
    answer = await site.ann.post(path, content=deep, headers=JSON)
    assert "64 levels" in await refused(answer, 400)


async def test_an_object_of_an_api_request_has_a_thousand_keys(site: Site) -> None:
    answer = await site.ann.post("/v1/chat/completions", json=dict.fromkeys(map(str, range(1001))))
    assert "1000 keys" in await refused(answer, 400)


async def test_what_all_send_at_once_has_a_sum_and_so_has_what_one_sends() -> None:
    house = House(edge=EdgeOptions(max_held_bytes=3 * MIB + 100, max_held_bytes_each=2 * MIB))
    tokens = [await house.add(name) for name in ("ann", "bob", "cid")]
    app, released, read = house.site(), asyncio.Event(), list[int]()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"user": "' + b"x" * (3 * MIB // 2)
        read.append(1)
        await released.wait()
        yield b'"}'

    async def send(token: str) -> httpx.Response:
        async with client_of(app, token) as client:
            return await client.post("/v1/tokenize", content=slowly(), headers=JSON)

    held = [asyncio.create_task(send(token)) for token in tokens[:2]]
    await until(lambda: len(read) == 2)
    for token in (tokens[0], tokens[2]):  # one's own share, and that of all
        answer = await send(token)
        assert "at once" in await refused(answer, 503)
        assert answer.headers["retry-after"]
    released.set()
    assert [answer.status_code for answer in await asyncio.gather(*held)] == [422, 422]
    assert (await send(tokens[2])).status_code == 422
