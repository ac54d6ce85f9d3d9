"""The response cache: the same chunks, marked, for the same user only."""

from dataclasses import replace
from typing import Any

import pytest

from chat.accounts.models import LOCAL, AccountRole, AccountUsage, ApiKey, Principal, User
from chat.errors import NotFound
from chat.models import ChatMessage, Finish, Role, Sampling, Usage
from chat.serving.completion import CompletionRecord
from chat.serving.completions import CompletionInput
from chat.serving.errors import EngineFailed
from chat.serving.models import Delta
from chat.serving.response_cache import CachedAnswer, RecentAnswers, ResponseCache
from chat.tools import NO_EXTRAS
from tests.fakes import Script
from tests.programs import HI, Programs, events, fault
from tests.users import NOON, make_town

MIB = 2**20
GREEDY: dict[str, Any] = {"temperature": 0}


def programs() -> Programs:
    return Programs(
        Script(["one", " 1"]), Script(["two", " 2"]), Script(["three"]), cache_bytes=MIB
    )


async def text_of(programs: Programs, headers: dict[str, str] | None = None, **more: Any) -> str:
    answer = await programs.client.post(
        "/v1/chat/completions", json={**HI, **more}, headers=headers
    )
    return str(answer.json()["choices"][0]["message"]["content"])


async def test_a_greedy_answer_is_served_from_the_cache_and_marked() -> None:
    ours = programs()
    first, second = [await ours.chat(**GREEDY) for _ in range(2)]
    assert len(ours.engine.samplings) == 1
    assert "x-response-cache" not in first.headers
    assert second.headers["x-response-cache"] == "hit"
    old, new = first.json(), second.json()
    assert old["choices"] == new["choices"]
    assert old["id"] != new["id"]
    assert "from_cache" not in old["usage"]
    assert new["usage"] == {
        **old["usage"],
        "prompt_tokens_details": {"cached_tokens": 0},
        "from_cache": True,
    }
    assert [summary.from_cache for summary in ours.seen.summaries] == [False, True]
    assert ours.completions.find(LOCAL.id, new["id"]).from_cache


async def test_a_cached_answer_streams_in_the_same_chunks() -> None:
    ours = programs()
    streams = [
        events(await ours.chat(**GREEDY, stream=True, stream_options={"include_usage": True}))
        for _ in range(2)
    ]
    assert len(ours.engine.samplings) == 1
    pieces = [[chunk["choices"] for chunk in stream if chunk != "[DONE]"] for stream in streams]
    assert pieces[0] == pieces[1]
    assert streams[1][-2]["usage"]["from_cache"] is True


async def test_a_seeded_answer_is_cached_and_an_unseeded_one_is_not() -> None:
    ours = programs()
    assert await text_of(ours, seed=1) == await text_of(ours, seed=1) == "one 1"
    assert await text_of(ours) == "two 2"
    assert await text_of(ours) == "three"


@pytest.mark.parametrize(
    "more",
    [
        {"seed": 3},
        {"max_tokens": 9},
        {"stop": "x"},
        {"logprobs": True},
        {"tools": [{"type": "function", "function": {"name": "time"}}]},
        {"response_format": {"type": "json_object"}},
        {"messages": [{"role": "user", "content": "Hi!"}]},
        {"messages": [{"role": "system", "content": ""}, *HI["messages"]]},
    ],
    ids=str,
)
async def test_a_different_request_is_not_served_from_the_cache(more: dict[str, Any]) -> None:
    ours = programs()
    assert await text_of(ours, **GREEDY) == "one 1"
    assert await text_of(ours, **{**GREEDY, **more}) == "two 2"


@pytest.mark.parametrize("word", ["no-store", "no-cache", "max-age=0, No-Cache"])
async def test_cache_control_no_cache_neither_reads_nor_writes_the_cache(word: str) -> None:
    ours = programs()
    assert await text_of(ours, **GREEDY) == "one 1"
    assert await text_of(ours, headers={"cache-control": word}, **GREEDY) == "two 2"
    assert await text_of(ours, **GREEDY) == "one 1"


async def test_a_cache_of_size_zero_caches_nothing() -> None:
    ours = Programs(Script(["one"]), Script(["two"]), cache_bytes=0)
    assert [await text_of(ours, **GREEDY) for _ in range(2)] == ["one", "two"]


async def test_a_failed_answer_is_not_cached() -> None:
    ours = Programs(Script([], error=EngineFailed()), Script(["two"]), cache_bytes=MIB)
    assert fault(await ours.chat(**GREEDY))["code"] == "engine_failed"
    assert await text_of(ours, **GREEDY) == "two"


async def test_each_key_has_its_own_cache_and_a_hit_counts_as_a_request_without_tokens() -> None:
    town = await make_town()
    ours = Programs(Script(["one"]), Script(["two"]), cache_bytes=MIB, quotas=town.quotas())
    ann = User("ann", "ann", AccountRole.MEMBER, NOON)
    keys = [Principal(ann, ApiKey(name, "ann", name, "sk-", NOON)) for name in ("a", "b")]
    request_input = CompletionInput("x", (ChatMessage(Role.USER, "Hi"),), Sampling(temperature=0.0))
    texts = []
    for number, principal in enumerate((keys[0], keys[1], keys[0])):
        completion = await ours.completions.begin(principal, replace(request_input, id=str(number)))
        texts.append((await completion.record()).text)
    assert texts == ["one", "two", "one"]
    assert await town.users.used("ann") == AccountUsage(messages=3, tokens=2 * (2 + 3))
    assert town.rates.hits["user ann"] == 3


# Limits


def an_answer(answer_id: str, text: str) -> CompletionRecord:
    return CompletionRecord(
        answer_id,
        Principal(LOCAL),
        NOON,
        "prompt",
        NO_EXTRAS,
        text,
        Usage(1, 1),
        finish=Finish.STOP,
    )


def test_the_cache_respects_its_size_and_maximum_age() -> None:
    cache = ResponseCache(10_000, age_s=60)
    for number in range(100):
        cache.keep(str(number), CachedAnswer(an_answer("x", "t" * 100), [Delta("t")]))
    assert cache.find("0") is None
    assert cache.find("99")
    cache.keep("huge", CachedAnswer(an_answer("x", "t" * 10_000), []))
    assert cache.find("huge") is None
    old = ResponseCache(10_000, age_s=0)
    old.keep("x", CachedAnswer(an_answer("x", ""), []))
    assert old.find("x") is None


def test_remembered_answers_are_limited_in_number_size_and_age() -> None:
    recent = RecentAnswers(age_s=60, max_bytes=1_000_000)
    for number in range(2_000):
        recent.keep(an_answer(str(number), "t"))
    with pytest.raises(NotFound):
        recent.find(LOCAL.id, "0")
    assert recent.find(LOCAL.id, "1999").text == "t"
    recent.keep(an_answer("huge", "t" * 1_000_000))
    with pytest.raises(NotFound):
        recent.find(LOCAL.id, "huge")
