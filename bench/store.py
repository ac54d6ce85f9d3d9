"""Search times: 10,000 messages in Chinese and English, common and rare words.

And what it costs to save the texts of answers that are being generated, together and alone.
"""

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.measurements import Measurement
from chat.conversations.models import Archive, Conversation, Message, Question, Turn
from chat.conversations.ports import Store
from chat.models import ChatOptions, Role, Status
from store import open_store

USER = "bench"
CONVERSATIONS = 500
MESSAGES = 20
RUNS = 9
LIMIT_MS = 100.0
RUNNING = 50
"""Answers that are being generated at once."""

START = datetime(2026, 1, 1, tzinfo=UTC)

HANZI = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]
LETTERS = "abcdefghijklmnopqrstuvwxyz"
SEARCHES: Mapping[str, str] = {
    "a character of most messages": "的",
    "a common word in Chinese": "我们",
    "a rare word in Chinese": "量子纠缠",
    "a long phrase in Chinese": "今天天气怎么样",
    "a common word in English": "weather",
    "a rare word in English": "serendipity",
    "the first letter of many words": "w",
    "two common words": "我们 weather",
    "a common and a rare word": "weather serendipity",
    "what is nowhere": "nowhere 无处",
}
FREQUENT_WORDS = (("的", 0.9), ("我们", 0.5), ("weather", 0.5), ("今天天气怎么样", 0.05))
RARE_WORDS = ("量子纠缠", "serendipity")
"""Words that are added: with a probability, and to a few messages only."""


async def measure(database_url: str | None = None) -> list[Measurement]:
    """Measurements on SQLite in a temporary folder, or on an empty PostgreSQL database."""
    async with filled_store(database_url) as (store, filling_s):
        measurements = [
            Measurement(
                f"search for {name}", await milliseconds(store, words), "ms", "most", LIMIT_MS
            )
            for name, words in SEARCHES.items()
        ]
        measurements += await saving(store)
        count = CONVERSATIONS * MESSAGES
        return [*measurements, Measurement("import, 1,000 messages", filling_s * 1000 / count, "s")]


@asynccontextmanager
async def filled_store(database_url: str | None) -> AsyncIterator[tuple[Store, float]]:
    """A store with all messages, and the seconds that their import took."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder), database_url)
        await store.open()
        try:
            archives = random_archives()
            started = time.perf_counter()
            await store.add_archives(USER, archives)
            yield store, time.perf_counter() - started
        finally:
            await store.close()


async def saving(store: Store) -> list[Measurement]:
    """The processor time of a save in this process: many at once, and one after the other."""
    running = [
        await store.add_turn(
            USER,
            conversation_id=None,
            question=Question("?", f"running-{number:03}", title="?"),
            options=ChatOptions(),
        )
        for number in range(RUNNING)
    ]

    async def save(number: int, turn: Turn) -> None:
        await store.save_text(USER, turn.answer.id, "some words " * 100 + str(number))

    spent_ms: dict[str, list[float]] = {"at once": [], "one by one": []}
    for number in range(RUNS):  # in turns
        started = time.process_time()
        await asyncio.gather(*(save(2 * number, turn) for turn in running))
        spent_ms["at once"].append((time.process_time() - started) * 1000 / RUNNING)
        started = time.process_time()
        for turn in running:
            await save(2 * number + 1, turn)
        spent_ms["one by one"].append((time.process_time() - started) * 1000 / RUNNING)
    return [
        Measurement(f"processor time of a save, {RUNNING} {how}", statistics.median(times), "ms")
        for how, times in spent_ms.items()
    ]


async def milliseconds(store: Store, words: str) -> float:
    """The median duration of RUNS searches for a page of hits."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        await store.search(USER, words)
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1000


def random_archives() -> Sequence[Archive]:
    """All archives; seeded, so the same in every run."""
    chance = random.Random(7)
    rare = {chance.randrange(CONVERSATIONS): word for word in RARE_WORDS for _ in range(3)}
    return [random_archive(chance, number, rare.get(number, "")) for number in range(CONVERSATIONS)]


def random_archive(chance: random.Random, number: int, rare: str) -> Archive:
    now = START + timedelta(minutes=number)
    name = f"{number}"
    messages = [
        Message(
            id=f"{place}",
            conversation_id=name,
            parent_id=f"{place - 1}" if place else None,
            role=(Role.USER, Role.ASSISTANT)[place % 2],
            content=random_text(chance, rare if place == 1 else ""),
            status=Status.DONE,
            created_at=now,
        )
        for place in range(MESSAGES)
    ]
    title = random_text(chance, "")[:30]
    head_id = messages[-1].id
    return Archive(
        Conversation(name, USER, title, ChatOptions(), head_id, now, now), tuple(messages)
    )


def random_text(chance: random.Random, rare: str) -> str:
    """About 400 characters of one language, with word frequencies as in real texts (Zipf)."""
    special = [word for word, share in FREQUENT_WORDS if chance.random() < share] + [rare]
    if chance.random() < 0.5:
        words = [HANZI[int(3000 ** chance.random()) - 1] for _ in range(400)]
        between = ""
    else:
        words = [english_word(int(20_000 ** chance.random())) for _ in range(70)]
        between = " "
    for word in special:
        words.insert(chance.randrange(len(words)), f" {word} ")
    return between.join(words)


def english_word(number: int) -> str:
    """A word for a frequency rank; frequent words are shorter."""
    letters = ""
    while number:
        number, letter = divmod(number, 26)
        letters += LETTERS[letter]
    return letters
