"""Whatever is done in whatever order: the store in memory and the databases show the same."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.conversations.models import (
    AnswerRecord,
    Attachment,
    Conversation,
    Folder,
    Message,
    PresetText,
    Question,
    Turn,
)
from chat.conversations.ports import Store
from chat.errors import AppError
from chat.models import ChatOptions, Finish, Sampling, Status, Usage
from store import open_store
from tests.contract.stores import END, START, ticking
from tests.memory_store import MemoryStore

USERS = st.sampled_from(["ann", "ann", "ann", "bob"])
PLACES = st.integers(0, 1)
ELSEWHERE = 5
NUMBERS = st.integers(0, ELSEWHERE)
SOME = st.lists(NUMBERS, min_size=1, max_size=2)
REQUESTS = st.integers(0, 30)
PLAIN = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
WORDS = st.lists(
    st.sampled_from(["天气", "天", "气", "wea", "Weather", "C++", "é", "-"]), max_size=4
)
LOOKED_FOR = ("天气", "wea", "c")
TEXTS = WORDS.map(" ".join) | WORDS.map("".join) | st.text(PLAIN, max_size=20)
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
QUESTIONS = st.tuples(TEXTS, st.lists(st.builds(Attachment, TEXTS, TEXTS), max_size=1).map(tuple))
RECORDS = st.builds(
    AnswerRecord,
    content=TEXTS,
    status=ENDS,
    finish=st.none() | st.sampled_from(Finish),
    usage=st.none() | st.builds(Usage, st.integers(0, 2**40), st.integers(0, 2**40)),
    error_code=st.none() | TEXTS,
)
HEADS = st.none() | NUMBERS
PRESETS = st.builds(PresetText, name=TEXTS, questions=st.lists(TEXTS, max_size=2).map(tuple))
STEPS = st.one_of(
    st.tuples(st.just("new"), USERS, REQUESTS, QUESTIONS, OPTIONS),
    st.tuples(st.just("turn"), USERS, PLACES, REQUESTS, QUESTIONS, OPTIONS),
    st.tuples(st.just("turn_beside"), USERS, PLACES, REQUESTS, QUESTIONS, NUMBERS),
    st.tuples(st.just("answer"), USERS, PLACES, NUMBERS, TEXTS),
    st.tuples(st.just("edit"), USERS, PLACES, NUMBERS, TEXTS),
    st.tuples(st.just("text"), USERS, NUMBERS, TEXTS),
    st.tuples(st.just("end"), USERS, NUMBERS, RECORDS),
    st.tuples(st.just("end"), st.just("ann"), st.just(0), RECORDS),
    st.tuples(st.just("options"), USERS, PLACES, OPTIONS),
    st.tuples(st.just("rename"), USERS, PLACES, TEXTS, st.none() | TEXTS),
    st.tuples(st.just("pin"), USERS, PLACES, st.booleans()),
    st.tuples(st.just("put_away"), USERS, PLACES, st.booleans()),
    st.tuples(st.just("folder"), USERS, st.sampled_from(Folder)),
    st.tuples(st.just("destroy"), USERS, st.none() | PLACES),
    st.tuples(st.just("head"), USERS, PLACES, NUMBERS),
    st.tuples(st.just("delete_messages"), USERS, PLACES, SOME, HEADS),
    st.tuples(st.just("restore_messages"), USERS, PLACES, SOME, HEADS),
    st.tuples(st.just("delete"), USERS, PLACES),
    st.tuples(st.just("restore"), USERS, PLACES),
    st.tuples(st.just("purge"), st.sampled_from([START, END])),
    st.tuples(st.just("search"), USERS, TEXTS),
    st.tuples(st.just("preset"), USERS, PRESETS),
    st.tuples(st.just("revise"), USERS, NUMBERS, PRESETS),
    st.tuples(st.just("share"), USERS, NUMBERS, st.booleans()),
    st.tuples(st.just("drop"), USERS, NUMBERS),
    st.tuples(st.just("restart")),
)
BEGINNING = st.tuples(
    st.tuples(st.just("new"), st.just("ann"), st.just(100), QUESTIONS, OPTIONS),
    st.tuples(st.just("end"), st.just("ann"), st.just(0), RECORDS),
    st.tuples(st.just("turn"), st.just("ann"), st.just(0), st.just(101), QUESTIONS, OPTIONS),
    st.tuples(st.just("end"), st.just("ann"), st.just(0), RECORDS),
    st.tuples(st.just("preset"), st.just("ann"), PRESETS),
    st.tuples(st.just("new"), st.just("ann"), st.just(102), QUESTIONS, OPTIONS),
    st.tuples(st.just("end"), st.just("ann"), st.just(0), RECORDS),
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
    presets: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    homes: dict[str, str] = field(default_factory=dict)

    async def play(self, step: tuple[Any, ...]) -> list[object]:
        """What the step gave, and the conversations that are there after it."""
        kind, *arguments = step
        try:
            result = await getattr(self, kind)(*arguments)
        except AppError as error:
            result = type(error), str(error)
        listed = await self.store.conversations(self.world + "ann")
        return [result, *(self._named(item) for item in listed)]

    async def new(
        self, user_id: str, request: int, question: tuple[str, tuple[Attachment, ...]], options: Any
    ) -> object:
        return await self._ask(user_id, None, request, question, options)

    async def turn(
        self, user_id: str, number: int, request: int, question: Any, options: Any
    ) -> object:
        return await self._ask(user_id, self._conversation(number), request, question, options)

    async def turn_beside(
        self, user_id: str, number: int, request: int, question: Any, beside: int
    ) -> object:
        there = self._conversation(number)
        sibling_id = self._message(beside, there)
        return await self._ask(user_id, there, request, question, ChatOptions(), sibling_id)

    async def answer(self, user_id: str, number: int, sibling: int, content: str) -> object:
        answer = await self.store.add_answer(
            self.world + user_id,
            conversation_id=self._conversation(number),
            sibling_id=self._message(sibling, self._conversation(number)),
            content=content,
        )
        return self._learn(answer)

    async def edit(self, user_id: str, number: int, sibling: int, content: str) -> object:
        answer = await self.store.add_edited_answer(
            self.world + user_id,
            conversation_id=self._conversation(number),
            sibling_id=self._message(sibling, self._conversation(number)),
            content=content,
        )
        return self._learn(answer)

    async def text(self, user_id: str, number: int, text: str) -> None:
        await self.store.save_text(self.world + user_id, self._message(number), text)

    async def end(self, user_id: str, number: int, record: AnswerRecord) -> None:
        await self.store.finish_answer(self.world + user_id, self._message(number), record)

    async def options(self, user_id: str, number: int, options: ChatOptions) -> None:
        await self.store.set_options(self.world + user_id, self._conversation(number), options)

    async def rename(self, user_id: str, number: int, title: str, seen: str | None) -> None:
        there = self._conversation(number)
        numbers = self.titles.get(there, "") if seen is None else seen
        await self.store.rename(self.world + user_id, there, title=title, seen=numbers)
        self.titles[there] = title

    async def pin(self, user_id: str, number: int, pinned: bool) -> None:
        await self.store.pin(self.world + user_id, self._conversation(number), pinned)

    async def put_away(self, user_id: str, number: int, archived: bool) -> None:
        await self.store.set_archived(self.world + user_id, self._conversation(number), archived)

    async def folder(self, user_id: str, folder: Folder) -> object:
        listed = await self.store.conversations(self.world + user_id, folder=folder)
        return [self._named(item) for item in listed]

    async def destroy(self, user_id: str, number: int | None) -> int:
        there = None if number is None else self._conversation(number)
        return await self.store.destroy_deleted(self.world + user_id, there)

    async def head(self, user_id: str, number: int, head: int) -> None:
        there = self._conversation(number)
        await self.store.set_head(self.world + user_id, there, self._message(head, there))

    async def delete_messages(
        self, user_id: str, number: int, some: list[int], head: int | None
    ) -> None:
        there = self._conversation(number)
        ids = [self._message(place, there) for place in some]
        head_id = None if head is None else self._message(head, there)
        await self.store.delete_messages(self.world + user_id, there, ids, head_id=head_id)

    async def restore_messages(
        self, user_id: str, number: int, some: list[int], head: int | None
    ) -> None:
        there = self._conversation(number)
        ids = [self._message(place, there) for place in some]
        head_id = None if head is None else self._message(head, there)
        await self.store.restore_messages(self.world + user_id, there, ids, head_id=head_id)

    async def delete(self, user_id: str, number: int) -> None:
        await self.store.delete(self.world + user_id, self._conversation(number))

    async def restore(self, user_id: str, number: int) -> None:
        await self.store.restore(self.world + user_id, self._conversation(number))

    async def purge(self, before: Any) -> int:
        return await self.store.purge_deleted(before)

    async def search(self, user_id: str, words: str) -> object:
        return [self._named(hit) for hit in await self.store.search(self.world + user_id, words)]

    async def preset(self, user_id: str, text: PresetText) -> None:
        preset = await self.store.add_preset(self.world + user_id, text)
        self.presets.append(preset.ref.id)

    async def revise(self, user_id: str, number: int, text: PresetText) -> int:
        there = _nth(self.presets, number)
        return (await self.store.revise_preset(self.world + user_id, there, text)).ref.version

    async def share(self, user_id: str, number: int, shared: bool) -> None:
        await self.store.share_preset(self.world + user_id, _nth(self.presets, number), shared)

    async def drop(self, user_id: str, number: int) -> None:
        await self.store.delete_preset(self.world + user_id, _nth(self.presets, number))

    async def restart(self) -> int:
        return await self.store.interrupt_unfinished()

    async def look(self, user_id: str) -> list[object]:
        """Everything that the user can see."""
        me = self.world + user_id
        listed = await self.store.conversations(me)
        views: list[object] = [[self._named(item) for item in listed]]
        for item in listed:
            views.append([self._named(message) for message in await self.store.path(me, item.id)])
            archive = await self.store.archive(me, item.id)
            views.append([self._named(message) for message in archive.messages])
        for words in LOOKED_FOR:
            views += [self._named(hit) for hit in await self.store.search(me, words)]
        presets = await self.store.presets(me)
        mine = [preset for preset in presets if preset.owner_id.startswith(self.world)]
        return [*views, [(preset.text, preset.shared, preset.ref.version) for preset in mine]]

    async def _ask(
        self,
        user_id: str,
        conversation_id: str | None,
        request: int,
        question: tuple[str, tuple[Attachment, ...]],
        options: ChatOptions,
        beside: str | None = None,
    ) -> object:
        text, files = question
        turn = await self.store.add_turn(
            self.world + user_id,
            conversation_id=conversation_id,
            question=Question(text, str(request), text[:5], files, beside),
            options=options,
        )
        self._learn_turn(turn)
        return [self._named(part) for part in (turn.conversation, turn.question, turn.answer)]

    def _learn_turn(self, turn: Turn) -> None:
        if turn.conversation.id not in self.conversations:
            self.conversations.append(turn.conversation.id)
            self.titles[turn.conversation.id] = turn.conversation.title
        if turn.question.id not in self.messages:
            self.messages += [turn.question.id, turn.answer.id]
        for message in (turn.question, turn.answer):
            self.homes[message.id] = message.conversation_id

    def _learn(self, answer: Message) -> object:
        self.messages.append(answer.id)
        self.homes[answer.id] = answer.conversation_id
        return self._named(answer)

    def _conversation(self, number: int) -> str:
        return _nth(self.conversations, number)

    def _message(self, number: int, there: str | None = None) -> str:
        """Counted from the newest: most of what is done is done at the end.

        Of the conversation `there`, but for the highest number: that may be of another one.
        """
        newest_first = self.messages[::-1]
        if there is not None and number < ELSEWHERE:
            newest_first = [key for key in newest_first if self.homes[key] == there]
        return _nth(newest_first, number)

    def _named(self, value: Any) -> object:
        """The same value with numbers for ids, and without times, which differ by failed calls."""
        names = {
            **{key: f"conversation {n}" for n, key in enumerate(self.conversations)},
            **{key: f"message {n}" for n, key in enumerate(self.messages)},
        }
        numbers: dict[str, object] = {}
        for item in fields(value):
            content = getattr(value, item.name)
            if isinstance(content, str) and content in names:
                numbers[item.name] = names[content]
            elif isinstance(content, Conversation):
                numbers[item.name] = self._named(content)
            elif item.name in ("created_at", "updated_at", "deleted_at"):
                numbers[item.name] = None
        return replace(value, **numbers)


def _nth(ids: list[str], number: int) -> str:
    return ids[number % len(ids)] if ids else "none"


@pytest.fixture(
    scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)]
)
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("equivalence")
    url = None if request.param == "sqlite" else request.getfixturevalue("postgres_server")
    store = open_store(folder, url, clock=ticking())
    asyncio.run(store.open())
    yield store
    asyncio.run(store.close())


@pytest.fixture(scope="module")
def worlds() -> Iterator[int]:
    return count()


def compare(
    database: Store,
    world: str,
    beginning: tuple[tuple[Any, ...], ...],
    steps: list[tuple[Any, ...]],
) -> None:
    """Play the same calls in memory and in the database: every result is the same."""

    async def play() -> None:
        await database.interrupt_unfinished()  # what an earlier example left open
        await database.purge_deleted(END)  # and deleted
        memory, stored = Player(MemoryStore(ticking()), world), Player(database, world)
        for step in (*beginning, *steps):
            assert await stored.play(step) == await memory.play(step), step
        for user in ("ann", "bob"):
            assert await stored.look(user) == await memory.look(user)

    asyncio.run(play())


@pytest.mark.slow
@given(BEGINNING, st.lists(STEPS, min_size=15, max_size=40))
@settings(max_examples=25, deadline=None)
def test_any_sequence_of_calls_behaves_the_same_in_memory_and_in_a_database(
    database: Store,
    worlds: Iterator[int],
    beginning: tuple[tuple[Any, ...], ...],
    steps: list[tuple[Any, ...]],
) -> None:
    # Users of its own, so that no example sees another.
    compare(database, f"{next(worlds)} ", beginning, steps)


@pytest.mark.long
@given(BEGINNING, st.lists(STEPS, min_size=15, max_size=40))
@settings(max_examples=200, deadline=None)
def test_many_sequences_of_calls_behave_the_same_in_memory_and_in_a_database(
    database: Store,
    worlds: Iterator[int],
    beginning: tuple[tuple[Any, ...], ...],
    steps: list[tuple[Any, ...]],
) -> None:
    compare(database, f"{next(worlds)} ", beginning, steps)
