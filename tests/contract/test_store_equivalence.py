"""Whatever is done in whatever order: the store in memory and SQLite show the same."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.errors import AppError
from chat.ports import Store
from chat.types import AnswerRecord, ChatOptions, Finish, Question, Sampling, Status, Turn, Usage
from store import RoutingStore, open_store
from tests.contract.stores import ticking
from tests.memory_store import MemoryStore

USERS = st.sampled_from(["ann", "bob"])
NUMBERS = st.integers(0, 5)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
ENDS = st.sampled_from([status for status in Status if not status.is_open])
OPTIONS = st.builds(
    ChatOptions,
    system_prompt=TEXTS,
    sampling=st.builds(
        Sampling,
        temperature=st.none() | st.floats(0, 2),
        seed=st.none() | st.integers(0, 2**64),
        stop=st.lists(TEXTS, max_size=2).map(tuple),
    ),
)
RECORDS = st.builds(
    AnswerRecord,
    content=TEXTS,
    status=ENDS,
    finish=st.none() | st.sampled_from(Finish),
    usage=st.none() | st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40)),
    error_code=st.none() | TEXTS,
)
STEPS = st.one_of(
    st.tuples(st.just("new"), USERS, NUMBERS, TEXTS, OPTIONS),
    st.tuples(st.just("turn"), USERS, NUMBERS, NUMBERS, TEXTS, OPTIONS),
    st.tuples(st.just("answer"), USERS, NUMBERS, NUMBERS),
    st.tuples(st.just("text"), USERS, NUMBERS, TEXTS),
    st.tuples(st.just("end"), USERS, NUMBERS, RECORDS),
    st.tuples(st.just("options"), USERS, NUMBERS, OPTIONS),
    st.tuples(st.just("delete"), USERS, NUMBERS),
    st.tuples(st.just("restart")),
)


@dataclass
class Player:
    """Plays steps on a store. Ids differ between stores, so both are named by order of arrival.

    A number too high for what is there wraps around; while nothing is there it names nothing.
    """

    store: Store
    world: str
    conversations: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    async def play(self, step: tuple[Any, ...]) -> list[object]:
        """What the step gave and what is there after it."""
        kind, *arguments = step
        try:
            result = await getattr(self, kind)(*arguments)
        except AppError as error:
            result = type(error), str(error)
        return [result, await self.look("ann"), await self.look("bob")]

    async def new(self, user: str, request: int, text: str, options: ChatOptions) -> object:
        return await self._ask(user, None, request, text, options)

    async def turn(
        self, user: str, number: int, request: int, text: str, options: ChatOptions
    ) -> object:
        return await self._ask(user, _nth(self.conversations, number), request, text, options)

    async def answer(self, user: str, number: int, sibling: int) -> object:
        answer = await self.store.add_answer(
            self.world + user,
            conversation_id=_nth(self.conversations, number),
            sibling_id=_nth(self.messages, sibling),
        )
        self.messages.append(answer.id)
        return self._named(answer)

    async def text(self, user: str, number: int, text: str) -> None:
        await self.store.save_text(self.world + user, _nth(self.messages, number), text)

    async def end(self, user: str, number: int, record: AnswerRecord) -> None:
        await self.store.finish_answer(self.world + user, _nth(self.messages, number), record)

    async def options(self, user: str, number: int, options: ChatOptions) -> None:
        await self.store.set_options(self.world + user, _nth(self.conversations, number), options)

    async def delete(self, user: str, number: int) -> None:
        await self.store.delete(self.world + user, _nth(self.conversations, number))

    async def restart(self) -> int:
        return await self.store.interrupt_unfinished()

    async def look(self, user: str) -> list[object]:
        listed = await self.store.conversations(self.world + user)
        paths = [await self.store.path(self.world + user, item.id) for item in listed]
        return [
            [self._named(item) for item in listed],
            [[self._named(message) for message in path] for path in paths],
        ]

    async def _ask(
        self, user: str, conversation_id: str | None, request: int, text: str, options: ChatOptions
    ) -> object:
        turn = await self.store.add_turn(
            self.world + user,
            conversation_id=conversation_id,
            question=Question(text, str(request), title=text[:5]),
            options=options,
        )
        self._learn(turn)
        return [self._named(part) for part in (turn.conversation, turn.question, turn.answer)]

    def _learn(self, turn: Turn) -> None:
        if turn.conversation.id not in self.conversations:
            self.conversations.append(turn.conversation.id)
        if turn.question.id not in self.messages:
            self.messages += [turn.question.id, turn.answer.id]

    def _named(self, value: Any) -> object:
        """The same value with numbers for ids, and without times, which differ by failed calls."""
        names = {
            **{key: f"conversation {n}" for n, key in enumerate(self.conversations)},
            **{key: f"message {n}" for n, key in enumerate(self.messages)},
        }
        ids = ("id", "conversation_id", "parent_id", "head_id")
        known = {name: names.get(getattr(value, name)) for name in ids if hasattr(value, name)}
        times = {name: None for name in ("created_at", "updated_at") if hasattr(value, name)}
        return replace(value, **known, **times)


def _nth(ids: list[str], number: int) -> str:
    return ids[number % len(ids)] if ids else "none"


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RoutingStore]:
    store = open_store(tmp_path_factory.mktemp("equivalence"), clock=ticking())
    asyncio.run(store.open())
    yield store
    asyncio.run(store.close())


@pytest.fixture(scope="module")
def worlds() -> Iterator[int]:
    return count()


@given(st.lists(STEPS, min_size=5, max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_sequence_of_calls_shows_the_same_in_memory_and_in_sqlite(
    database: RoutingStore, worlds: Iterator[int], steps: list[tuple[Any, ...]]
) -> None:
    world = f"{next(worlds)} "  # users of its own, so that no example sees another

    async def compare() -> None:
        await database.interrupt_unfinished()  # what an earlier example left open
        memory, sqlite = Player(MemoryStore(ticking()), world), Player(database, world)
        for step in steps:
            assert await sqlite.play(step) == await memory.play(step), step

    asyncio.run(compare())
