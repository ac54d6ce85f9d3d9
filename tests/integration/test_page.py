"""The page's events over the real domain: what is shown when reads fail, or events come twice."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import gradio as gr
import pytest
from gradio.components import Component

from chat.admission import Admission
from chat.answers import Answers
from chat.conversations import Conversations
from chat.errors import StoreFailed
from chat.jobs import Jobs, Limits
from chat.presets import Presets
from chat.types import LOCAL_USER, ChatOptions, Conversation, Message, Question
from tests.fakes import Script, ScriptedEngine
from tests.memory_store import MemoryStore
from ui.components import Components, Updates, lay_out
from ui.handlers.shared import Shown
from ui.page import Handlers
from ui.services import Services
from ui.view import View

ASKER = gr.Request(headers={"accept-language": "zh"})
NAME = "a" * 32


@dataclass
class FailingStore(MemoryStore):
    """A store that cannot be read while `unreadable`."""

    unreadable: bool = False
    fails_after_turn: bool = False

    async def add_turn(self, user: str, **asked: Any) -> Any:
        turn = await super().add_turn(user, **asked)
        self.unreadable = self.fails_after_turn
        return turn

    async def conversation(self, user: str, conversation_id: str) -> Conversation:
        self._refuse()
        return await super().conversation(user, conversation_id)

    async def conversations(
        self, user: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        self._refuse()
        return await super().conversations(user, limit=limit, offset=offset)

    async def path(self, user: str, conversation_id: str) -> Sequence[Message]:
        self._refuse()
        return await super().path(user, conversation_id)

    def _refuse(self) -> None:
        if self.unreadable:
            raise StoreFailed


@dataclass
class Tab:
    """One browser tab without the browser."""

    on: Components
    do: Handlers
    store: FailingStore
    engine: ScriptedEngine
    view: View = field(default_factory=View)
    shown: Updates = field(default_factory=dict)

    def take(self, updates: Updates) -> Updates:
        self.shown |= updates
        return updates

    @property
    def conversation_id(self) -> str:
        return str(self.shown.get(self.on.bridge, ""))

    @property
    def note(self) -> str:
        return str(self.shown.get(self.on.note, ""))

    def asking(self, text: str, name: str = NAME) -> Mapping[Component, object]:
        values: dict[Component, object] = {
            self.on.message: text,
            self.on.bridge: self.conversation_id,
            self.on.language: "en",
            self.on.view: self.view,
            self.on.request_id: name,
            self.on.system_prompt: "",
            self.on.stop_strings: "",
        }
        return values | dict.fromkeys(self.on.numbers.values())

    async def listen(self) -> None:
        async for updates in self.do.transcript.listen(
            self.conversation_id, "en", self.view, ASKER
        ):
            self.take(updates)

    def stop_is_visible(self) -> bool:
        update = self.shown[self.on.stop]
        assert isinstance(update, dict)
        return bool(update["visible"])


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    store, engine = FailingStore(), ScriptedEngine([Script(["Hel", "lo"], step_s=0.01)])
    jobs = Jobs(
        engine=engine,
        store=store,
        admission=Admission(max_running=8, max_waiting=8),
        limits=Limits(queue_s=60, stall_s=60, request_s=60),
    )
    services = Services(
        engine,
        Answers(engine=engine, store=store, jobs=jobs),
        Conversations(store=store, jobs=jobs),
        Presets(store),
    )
    with gr.Blocks(analytics_enabled=False):
        on = lay_out()
    do = Handlers(Shown(services, on, open_to_network=False))
    yield Tab(on, do, store, engine)
    await jobs.close(5)


async def add_conversations(store: MemoryStore, count: int) -> None:
    for number in range(count):
        await store.add_turn(
            LOCAL_USER,
            conversation_id=None,
            question=Question("?", f"{number}", title=f"Number {number:03}"),
            options=ChatOptions(),
        )


# --- reads that fail --------------------------------------------------------------------------


async def test_a_question_that_was_taken_leaves_the_box_though_it_cannot_be_shown(
    tab: Tab,
) -> None:
    tab.store.fails_after_turn = True
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    assert tab.shown[tab.on.message] == ""
    assert "could not be saved or read" in tab.note
    tab.store.unreadable = False
    await tab.listen()
    assert [message.content for message in tab.store.messages.values()] == ["Hi", "Hello"]
    assert tab.note == ""


async def test_why_a_question_was_refused_stays_to_be_read(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    await tab.listen()
    tab.take(await tab.do.composer.send(tab.asking("   "), ASKER))
    await tab.listen()
    assert "Write something first" in tab.note


async def test_a_retry_of_an_older_answer_is_a_version_of_it(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    await tab.listen()
    old_answer = list(tab.store.messages)[-1]
    tab.take(await tab.do.composer.send(tab.asking("And?", name="b" * 32), ASKER))
    await tab.listen()
    event = gr.EventData(None, {"message": old_answer})
    tab.take(await tab.do.transcript.retry(event, tab.asking(""), ASKER))
    await tab.listen()
    assert "And?" not in str(tab.shown[tab.on.chatbot])
    assert len(tab.store.messages) == 5


async def test_stop_goes_when_the_end_of_an_answer_cannot_be_read(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    assert tab.stop_is_visible()
    tab.store.unreadable = True
    await tab.listen()
    assert not tab.stop_is_visible()
    assert "could not be saved or read" in tab.note


async def test_stop_goes_when_the_conversation_was_deleted_elsewhere(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    await tab.do.sidebar.clear(tab.conversation_id, "en", View(), ASKER)
    await tab.listen()
    assert not tab.stop_is_visible()
    assert "does not exist any more" in tab.note


async def test_a_page_that_cannot_be_read_says_so_in_the_readers_language(tab: Tab) -> None:
    tab.store.unreadable = True
    tab.take(await tab.do.transcript.load("some-id", None, tab.view, ASKER))
    assert "对话未能保存或读取" in tab.note
    assert tab.on.bridge not in tab.shown  # the address still says which one it was
    assert "data-lang" in str(tab.shown[tab.on.tools])
    for shown in (
        await tab.do.sidebar.tick("some-id", "zh", tab.view, ASKER),
        await tab.do.sidebar.more("some-id", "zh", tab.view, ASKER),
        await tab.do.transcript.speak("some-id", "zh", tab.view, ASKER),
        await tab.do.transcript.new_chat("zh", tab.view, ASKER),
    ):
        assert "对话未能保存或读取" in str(shown[tab.on.note])


async def test_a_failed_retry_or_deletion_is_a_note(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.asking("Hi"), ASKER))
    await tab.listen()
    tab.store.unreadable = True
    event = gr.EventData(None, {"message": "id-2"})
    shown = await tab.do.transcript.retry(event, tab.asking(""), ASKER)
    assert "could not be saved or read" in str(shown[tab.on.note])
    shown = await tab.do.sidebar.clear(tab.conversation_id, "en", tab.view, ASKER)
    assert "could not be saved or read" in str(shown[tab.on.note])


# --- events that come twice -------------------------------------------------------------------


async def test_an_event_that_comes_twice_asks_once(tab: Tab) -> None:
    event = tab.asking("Hi")
    first = await tab.do.composer.send(event, ASKER)
    second = await tab.do.composer.send(event, ASKER)
    tab.take(second)
    await tab.listen()
    third = await tab.do.composer.send(event, ASKER)
    assert first[tab.on.bridge] == second[tab.on.bridge] == third[tab.on.bridge]
    assert len(tab.engine.prompts) == 1
    assert len(tab.store.messages) == 2


@pytest.mark.parametrize("name", ["", "short", "x" * 65, "a" * 31 + "\0", "名" * 32, None, 7])
async def test_what_is_no_name_for_a_request_is_not_taken_for_one(tab: Tab, name: Any) -> None:
    for _ in range(2):
        tab.take(await tab.do.composer.send(tab.asking("Hi", name), ASKER))
        await tab.listen()
    assert len(tab.engine.prompts) == 2


# --- the list ---------------------------------------------------------------------------------


async def test_older_conversations_are_reached_fifty_at_a_time(tab: Tab) -> None:
    await add_conversations(tab.store, 120)
    tab.take(await tab.do.transcript.load("", None, tab.view, ASKER))
    for count in (50, 100, 120):
        markup = str(tab.shown[tab.on.conversations])
        assert markup.count("<li>") == count
        assert ('data-do="more"' in markup) == (count < 120)
        tab.take(await tab.do.sidebar.more("", "en", tab.view, ASKER))
    assert "Number 000" in str(tab.shown[tab.on.conversations])
    shown = await tab.do.sidebar.tick("", "en", tab.view, ASKER)
    assert str(shown[tab.on.conversations]).count("<li>") == 120
