"""How soon results are there and how flat exports stay: 100,000 messages, 20,000 ratings."""

import random
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from bench.figures import Figure
from bench.store import START, made_up_archive, made_up_text
from chat.campaigns import Campaign, Mode, Plan, Variant
from chat.draft import prompt_sha256
from chat.evidence import REASONS, Evidence, Opinion, Verdict
from chat.findings import Filter, Place, ReviewChange, Standing
from chat.observing import Door
from chat.people import LOCAL, Entry, Person, Rank
from chat.results import Results, place_of
from chat.types import (
    ChatMessage,
    Finish,
    PresetRef,
    Provenance,
    Role,
    Sampling,
    Status,
    Timing,
    Usage,
)
from formats.datasets import DataFormat, data_file
from formats.redaction import Redactor
from store import RoutingStore, open_store

CONVERSATIONS = 5_000
RATINGS = 20_000
CAMPAIGNS = 10
AT_ONCE = 250
"""Conversations written in one transaction."""

RUNS = 5
LIMIT_MS = 500.0
LIMIT_MIB = 64.0
MEMBER = Person("member", "member", Rank.MEMBER, START)
MODELS = ("Qwen2.5-7B-Instruct", "Qwen2.5-0.5B-Instruct")

FILTERS: Mapping[str, Filter] = {
    "no filter": Filter(),
    "one campaign of ten": Filter(campaign_id="campaign 3"),
    "disliked": Filter(verdict=Verdict.DOWN),
    "disliked in one campaign": Filter(campaign_id="campaign 3", verdict=Verdict.DOWN),
    "a reason": Filter(reason="wrong-maths"),
    "corrected": Filter(corrected=True),
    "a preset": Filter(preset_id="preset 3"),
    "a model": Filter(model=MODELS[1]),
    "a language": Filter(language="zh"),
    "one day": Filter(since=date(2026, 3, 1), until=date(2026, 3, 1)),
    "to be reviewed": Filter(standing=Standing.OPEN),
    "usable": Filter(standing=Standing.USABLE),
    "a common word": Filter(words="weather"),
    "a rare word": Filter(words="serendipity"),
    "two words in Chinese": Filter(words="我们 今天天气怎么样"),
    "what is nowhere": Filter(words="nowhere 无处"),
    "much at once": Filter(
        campaign_id="campaign 3", verdict=Verdict.DOWN, language="zh", words="我们"
    ),
}


async def measure(database_url: str | None = None) -> list[Figure]:
    """Figures of SQLite in a folder of its own, or of an empty PostgreSQL database."""
    async with filled_store(database_url) as store:
        results = Results(store.feedback.results, store.people)
        figures = [
            Figure(
                f"page of results: {name}",
                await milliseconds(partial(look, results, LOCAL, wanted)),
                "ms",
                "most",
                LIMIT_MS,
            )
            for name, wanted in FILTERS.items()
        ]
        deep = await deep_place(results)
        figures += [
            Figure(f"page of results: {name}", await milliseconds(call), "ms", "most", LIMIT_MS)
            for name, call in (
                ("a member's own", partial(look, results, MEMBER, Filter())),
                ("the last ones", partial(look, results, LOCAL, Filter(), deep)),
                ("one answer, read", partial(results.read, LOCAL, "evidence 777")),
                ("the next to review", partial(results.next_open, LOCAL, Filter())),
            )
        ]
        for kind in DataFormat:
            figures += await export(results, kind)
        return figures


async def look(
    results: Results, person: Person, wanted: Filter, after: Place | None = None
) -> None:
    """All that a page shows."""
    await results.choices(person)
    await results.look(person, wanted, after)


async def deep_place(results: Results) -> Place | None:
    """Before the last page."""
    chunk = await results.page(LOCAL, Filter(until=date(2026, 1, 2)))
    return place_of(chunk.items[0])


async def milliseconds(call: Callable[[], Awaitable[object]]) -> float:
    """The median of several."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


async def export(results: Results, kind: DataFormat) -> list[Figure]:
    """Everything, masked: how long it takes, how large it is, and the most that was held for it."""
    file = data_file(kind, Filter(), Redactor(["Ann Lee", "张伟"]))
    started, size = time.perf_counter(), 0
    async for piece in results.export(LOCAL, Filter(), file):
        size += len(piece)
    seconds = time.perf_counter() - started
    tracemalloc.start()
    plain = data_file(kind, Filter())
    async for _ in results.export(LOCAL, Filter(), plain):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    name = f"export of everything as {kind}"
    return [
        Figure(f"{name}, masked", seconds, "s"),
        Figure(f"{name}: size", size / 2**20, "MiB"),
        Figure(f"{name}: memory", peak / 2**20, "MiB", "most", LIMIT_MIB),
    ]


@asynccontextmanager
async def filled_store(database_url: str | None) -> AsyncIterator[RoutingStore]:
    """A store with all those messages and ratings."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), database_url)
        await store.open()
        try:
            chance = random.Random(11)
            await add_conversations(store, chance)
            await add_campaigns(store)
            await add_ratings(store, chance)
            yield store
        finally:
            await store.close()


async def add_conversations(store: RoutingStore, chance: random.Random) -> None:
    for first in range(0, CONVERSATIONS, AT_ONCE):
        numbers = range(first, first + AT_ONCE)
        archives = [made_up_archive(chance, number, "") for number in numbers]
        await store.add_archives(LOCAL.id, archives)


async def add_campaigns(store: RoutingStore) -> None:
    await store.people.add_person(MEMBER, None, Entry(START, "", "bench"))
    plan = Plan("A campaign", Mode.SINGLE, (Variant("A"),))
    for number in range(CAMPAIGNS):
        owner = MEMBER.id if number == 3 else LOCAL.id
        campaign = Campaign(f"campaign {number}", owner, plan, START)
        await store.feedback.campaigns.add(campaign, Entry(START, "", "bench"))


async def add_ratings(store: RoutingStore, chance: random.Random) -> None:
    for number in range(RATINGS):
        at = START + timedelta(minutes=10 * number)
        rare = "serendipity" if number % 4_000 == 7 else ""
        frozen = made_up_evidence(chance, number, rare)
        await store.feedback.ratings.rate(frozen, LOCAL.id, made_up_opinion(chance), at)
        if number % 3 == 0:
            change = ReviewChange([*Standing][number % len(Standing)])
            await store.feedback.results.review(None, frozen.id, change, LOCAL.id, at)


def made_up_evidence(chance: random.Random, number: int, rare: str) -> Evidence:
    """An answer after three turns."""
    prompt = tuple(
        ChatMessage((Role.USER, Role.ASSISTANT)[place % 2], made_up_text(chance, ""))
        for place in range(5)
    )
    campaign = number % (2 * CAMPAIGNS)
    return Evidence(
        id=f"evidence {number}",
        answer_id=f"answer {number}",
        owner=LOCAL.id,
        door=Door.PAGE,
        prompt=prompt,
        answer=made_up_text(chance, rare),
        status=Status.DONE,
        made_at=START + timedelta(minutes=10 * number),
        finish=Finish.STOP,
        usage=Usage(900, 300),
        timing=Timing(0.1, 0.2, 0.3, chance.random() * 9, 30.0),
        provenance=Provenance(
            MODELS[number % 7 == 0],
            "main",
            "none",
            "local",
            Sampling(temperature=0.7, seed=number),
            prompt_sha256(prompt),
            preset=PresetRef(f"preset {number % 5}", 1),
        ),
        conversation_id=f"conversation {number // 2}",
        campaign_id=f"campaign {campaign}" if campaign < CAMPAIGNS else "",
        language=("zh", "en")[number % 2],
        page_language="zh",
    )


def made_up_opinion(chance: random.Random) -> Opinion:
    if chance.random() < 0.6:
        return Opinion(Verdict.UP)
    bad = Opinion(Verdict.DOWN, tuple(chance.sample(REASONS, 2)), made_up_text(chance, "")[:80])
    return bad if chance.random() < 0.5 else replace(bad, correction=made_up_text(chance, ""))
