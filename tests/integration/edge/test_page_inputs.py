"""What no part of the page sends is refused with what would be right, before Gradio sees it."""

import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from bench.proof.requests import Outcome, send_all
from bench.proof.site import ProofSite, as_json, proof_site

pytestmark = pytest.mark.asyncio(loop_scope="module")

JSON = {"Content-Type": "application/json"}
QUICK = 300


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ProofSite]:
    folder: Path = tmp_path_factory.mktemp("proof")
    async with proof_site(folder) as site:
        yield site


@pytest_asyncio.fixture(loop_scope="module")
async def host(site: ProofSite) -> AsyncIterator[httpx.AsyncClient]:
    async with site.client("host") as client:
        yield client


async def event(site: ProofSite, host: httpx.AsyncClient, name: str, **body: Any) -> httpx.Response:
    whole = {"fn_index": site.events()[name], "session_hash": "tab", **body}
    return await host.post("/gradio_api/run/x", content=as_json(whole), headers=JSON)


def error_message(answer: httpx.Response) -> str:
    assert answer.status_code == 400, answer.text[:300]
    return str(answer.json()["error"]["message"])


@pytest.mark.parametrize(
    ("body", "right"),
    [
        ({"data": []}, "data should be a list of 2."),
        ({"data": "x" * 9}, "data should be a list of 2."),
        ({"data": ["fr", None]}, "data[0] should be 'en' or 'zh'."),
        ({"data": [["en"], None]}, "data[0] should be 'en' or 'zh'."),
        ({"event_data": None}, "event_data should be an object."),
        ({"event_data": {}}, "event_data.id should be a text of at most 300 characters."),
        ({"event_data": {"id": {"a": 1}, "pinned": True}}, "event_data.id should be a text of at"),
        ({"event_data": {"id": "x" * 301, "pinned": True}}, "event_data.id should be a text of at"),
        (
            {"event_data": {"id": "\0", "pinned": True}},
            "event_data.id should be a text without",
        ),
        ({"event_data": {"id": "\ud800", "pinned": True}}, "without half of a surrogate pair"),
        (
            {"event_data": {"id": "x", "pinned": "yes"}},
            "event_data.pinned should be true",
        ),
        ({"session_hash": None}, "session_hash should be a text of 1 to 300 characters."),
        ({"session_hash": "x" * 301}, "session_hash should be a text of 1 to 300 characters."),
        ({"trigger_id": 10**9}, "trigger_id should be the number of a component of the page."),
    ],
    ids=range(14),
)
async def test_the_error_for_a_wrong_event_value_names_what_is_valid(
    site: ProofSite, host: httpx.AsyncClient, body: dict[str, Any], right: str
) -> None:
    fitting = {"data": ["en", None], "event_data": {"id": "x", "pinned": True}}
    assert right.rstrip(".") in error_message(
        await event(site, host, "Sidebar.pin", **{**fitting, **body})
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, 10**30, "1", [1], True])
async def test_a_setting_that_is_no_number_is_refused(
    site: ProofSite, host: httpx.AsyncClient, number: object
) -> None:
    event_inputs = site.page.fns[site.events()["Composer.keep_options"]].inputs
    data = [number if type(item).__name__ == "Number" else None for item in event_inputs]
    data = [
        "en" if type(item).__name__ == "Radio" else value
        for item, value in zip(event_inputs, data, strict=True)
    ]
    answer = await event(site, host, "Composer.keep_options", data=data)
    assert "should be a number" in error_message(answer)


async def test_what_the_page_knows_nothing_of_is_dropped(
    site: ProofSite, host: httpx.AsyncClient
) -> None:
    body = {"data": ["en", None], "batched": True, "simple_format": True, "event_id": "x"}
    answer = await event(site, host, "Sidebar.new_chat", **body)
    assert answer.status_code == 200


async def test_a_search_that_is_too_long_is_refused_before_it_is_split(
    site: ProofSite, host: httpx.AsyncClient
) -> None:
    words = {"words": "a " * 400_000}
    answer = await event(site, host, "Sidebar.search", data=["en", None], event_data=words)
    assert answer.status_code == 200
    assert "at most 1000 are accepted" in answer.text


async def test_the_list_can_be_asked_for_more_again_and_again(
    site: ProofSite, host: httpx.AsyncClient
) -> None:
    for _ in range(70):
        answer = await event(site, host, "Sidebar.more", data=["en", None])
        assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/results", "/results/votes"])
@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("until=9999-12-31", 422),
        ("since=0001-01-01", 422),
        ("until=2200-01-01&since=1970-01-01", 200),
        ("after=0001-01-01T00:00:00%2B14:00~x", 200),
        ("after=9999-12-31T23:59:59-14:00~x", 200),
        ("campaign=%00", 400),
    ],
)
async def test_a_page_with_an_odd_filter_is_no_fault(
    host: httpx.AsyncClient, path: str, query: str, status: int
) -> None:
    answer = await host.get(f"{path}?{query}")
    assert answer.status_code == status
    if status == 422:
        assert "1970-01-01" in answer.text or "2200-01-01" in answer.text


@pytest.mark.parametrize("path", ["/", "/config", "/dashboard"])
@pytest.mark.parametrize("query", ["page=x", "page=%ED%A0%80", "page=%00", "deep_link=x"])
async def test_a_page_of_the_app_takes_any_query(
    host: httpx.AsyncClient, path: str, query: str
) -> None:
    assert (await host.get(f"{path}?{query}", follow_redirects=True)).status_code < 400


@pytest.mark.parametrize("preset", ["x@" + "9" * 5_000, "x@999999999999", "x", "@1", "x@-1"])
async def test_a_preset_that_is_no_version_of_one_is_refused(
    host: httpx.AsyncClient, preset: str
) -> None:
    plan = {"title": "x", "mode": "single", "variants": [{"name": "A", "preset": preset}]}
    answer = await host.post("/api/campaigns", json=plan)
    assert answer.status_code == 422
    assert 'should be "id@version"' in answer.json()["error"]["message"]


async def test_the_error_for_a_number_out_of_bounds_names_the_bounds(
    host: httpx.AsyncClient,
) -> None:
    plan = {"title": "x", "mode": "single", "variants": [{"name": "A", "top_k": 10**30}]}
    answer = await host.post("/api/campaigns", json=plan)
    assert answer.json()["error"]["message"] == "top_k has to be from 0 to 1000."


async def test_made_up_requests_of_every_kind_find_no_fault(site: ProofSite) -> None:
    """`python -m bench.proof requests` sends more of them, and measures the memory they leave."""
    outcome = Outcome(QUICK, seed=20)
    await send_all(site, outcome)
    assert outcome.faults == []
    assert sum(outcome.statuses.values()) == QUICK
