"""The page's events over the real domain: failing reads and repeated events."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import unescape
from typing import Any

import gradio as gr
import pytest
from gradio.components import Component
from starlette.datastructures import Address, State

from chat.accounts.models import LOCAL, LOCAL_USER, SignedIn
from chat.conversations.jobs import Jobs
from chat.conversations.models import (
    TEMPORARY,
    Archive,
    Attachment,
    Conversation,
    Folder,
    PresetText,
    Question,
    SearchHit,
)
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.errors import StoreFailed
from chat.models import ChatOptions, Sampling
from chat.serving.engines import Engines
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine, unrated
from tests.hosting import dashboard_of, hosting_of
from tests.memory_store import MemoryStore
from ui.components import Components, Updates, lay_out
from ui.handlers.page_state import PageState
from ui.page import Handlers
from ui.services import Services
from ui.view import View

ASKER = gr.Request(
    headers={"accept-language": "zh"},
    client=Address("127.0.0.1", 1),
    state=State({"signed_in": SignedIn(LOCAL, session_id="")}),
)
NAME = "a" * 32


@dataclass
class FailingStore(MemoryStore):
    """A store that cannot be read while `unreadable`."""

    unreadable: bool = False
    fails_after_turn: bool = False

    async def add_turn(self, user_id: str, **arguments: Any) -> Any:
        turn = await super().add_turn(user_id, **arguments)
        self.unreadable = self.fails_after_turn
        return turn

    async def conversation(self, user_id: str, conversation_id: str) -> Conversation:
        self._refuse()
        return await super().conversation(user_id, conversation_id)

    async def conversations(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]:
        self._refuse()
        return await super().conversations(user_id, limit=limit, offset=offset, folder=folder)

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        self._refuse()
        return await super().archive(user_id, conversation_id)

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        hits = await super().search(user_id, words, limit=limit)
        await asyncio.sleep(0)  # other events run meanwhile, as with a database
        return hits

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
    answers: Turns
    view: View = field(default_factory=View)
    updates: Updates = field(default_factory=dict)

    def take(self, updates: Updates) -> Updates:
        self.updates |= {key: value for key, value in updates.items() if value != gr.skip()}
        return updates

    @property
    def conversation_id(self) -> str:
        return str(self.updates.get(self.on.bridge, ""))

    @property
    def note(self) -> str:
        return str(self.updates.get(self.on.note, ""))

    def values(self, text: str, name: str = NAME) -> Mapping[Component, object]:
        values: dict[Component, object] = {
            self.on.message: text,
            self.on.bridge: self.conversation_id,
            self.on.language: "en",
            self.on.view: self.view,
            self.on.request_id: name,
        }
        return values | {setting: self.updates.get(setting) for setting in self.on.settings}

    async def listen(self) -> None:
        async for updates in self.do.transcript.listen(
            self.conversation_id, "en", self.view, ASKER
        ):
            self.take(updates)
        settle = self.do.transcript.settle
        self.take(await settle(self.conversation_id, "en", self.view, ASKER))

    def newest_ids(self) -> list[str]:
        """The ids of the newest turn's messages, as they stand on the page."""
        return list(
            dict.fromkeys(re.findall(r'data-message="([^"]+)"', str(self.updates[self.on.newest])))
        )

    def stop_is_visible(self) -> bool:
        """As the page's script decides it."""
        is_live = "meta live" in str(self.updates[self.on.newest])
        return is_live and "data-unread" not in str(self.updates[self.on.note])


@pytest.fixture
async def tab() -> AsyncIterator[Tab]:
    store, engine = FailingStore(), ScriptedEngine([Script(["Hel", "lo"], step_s=0.01)])
    jobs = Jobs(generation=make_generation(engine), store=store)
    services = Services(
        engine,
        Turns(engines=Engines(engine), store=store, jobs=jobs),
        Conversations(store=store, jobs=jobs),
        Presets(store),
        unrated(store),
        hosting_of(store).participation,
        dashboard_of(store),
    )
    with gr.Blocks(analytics_enabled=False):
        on = lay_out()
    do = Handlers(PageState(services, on, open_to_network=False))
    yield Tab(on, do, store, engine, services.answers)
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


async def test_an_accepted_question_clears_the_box_although_rendering_fails(
    tab: Tab,
) -> None:
    tab.store.fails_after_turn = True
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    assert tab.updates[tab.on.message] == ""
    assert "could not be saved or read" in tab.note
    tab.store.unreadable = False
    await tab.listen()
    assert [message.content for message in tab.store.messages.values()] == ["Hi", "Hello"]
    assert tab.note == ""


async def test_the_reason_of_a_refused_question_stays_visible(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    await tab.listen()
    tab.take(await tab.do.composer.send(tab.values("   "), ASKER))
    await tab.listen()
    assert "Write something first" in tab.note


async def test_a_retry_of_an_older_answer_is_a_version_of_it(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    await tab.listen()
    old_answer = list(tab.store.messages)[-1]
    tab.take(await tab.do.composer.send(tab.values("And?", name="b" * 32), ASKER))
    await tab.listen()
    event = gr.EventData(None, {"message": old_answer})
    tab.take(await tab.do.versions.retry(event, tab.values(""), ASKER))
    await tab.listen()
    assert "And?" not in str(tab.updates[tab.on.newest])
    assert len(tab.store.messages) == 5


async def test_stop_disappears_when_the_end_of_an_answer_cannot_be_read(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    assert tab.stop_is_visible()
    tab.store.unreadable = True
    await tab.listen()
    assert not tab.stop_is_visible()
    assert "could not be saved or read" in tab.note


async def test_stop_disappears_when_the_conversation_was_deleted_elsewhere(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    deleted = gr.EventData(None, {"id": tab.conversation_id})
    await tab.do.sidebar.delete(deleted, tab.conversation_id, "en", View(), ASKER)
    await tab.listen()
    assert not tab.stop_is_visible()
    assert "does not exist any more" in tab.note


async def test_an_unreadable_page_is_reported_in_the_language_of_the_page(tab: Tab) -> None:
    tab.store.unreadable = True
    tab.take(await tab.do.transcript.load("some-id", None, tab.view, ASKER))
    assert "对话未能保存或读取" in tab.note
    assert tab.on.bridge not in tab.updates  # the address still has its id
    assert "data-lang" in str(tab.updates[tab.on.tools])
    for updates in (
        await tab.do.sidebar.tick("some-id", "zh", tab.view, ASKER),
        await tab.do.sidebar.more("zh", tab.view, ASKER),
        await tab.do.transcript.speak("some-id", "zh", tab.view, ASKER),
        await tab.do.sidebar.new_chat("zh", tab.view, ASKER),
    ):
        assert "对话未能保存或读取" in str(updates[tab.on.note])


async def test_a_failed_retry_or_deletion_is_a_note(tab: Tab) -> None:
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    await tab.listen()
    tab.store.unreadable = True
    event = gr.EventData(None, {"message": "id-2"})
    updates = await tab.do.versions.retry(event, tab.values(""), ASKER)
    assert "could not be saved or read" in str(updates[tab.on.note])
    deleted = gr.EventData(None, {"id": tab.conversation_id})
    updates = await tab.do.sidebar.delete(deleted, tab.conversation_id, "en", tab.view, ASKER)
    assert "could not be saved or read" in str(updates[tab.on.list_notice])


# --- events that come twice -------------------------------------------------------------------


async def test_a_repeated_event_asks_once(tab: Tab) -> None:
    event = tab.values("Hi")
    first = await tab.do.composer.send(event, ASKER)
    second = await tab.do.composer.send(event, ASKER)
    tab.take(second)
    await tab.listen()
    third = await tab.do.composer.send(event, ASKER)
    assert first[tab.on.bridge] == second[tab.on.bridge] == third[tab.on.bridge]
    assert len(tab.engine.prompts) == 1
    assert len(tab.store.messages) == 2


@pytest.mark.parametrize("name", ["", "short", "x" * 65, "a" * 31 + "\0", "名" * 32, None, 7])
async def test_an_invalid_request_id_is_ignored(tab: Tab, name: Any) -> None:
    for _ in range(2):
        tab.take(await tab.do.composer.send(tab.values("Hi", name), ASKER))
        await tab.listen()
    assert len(tab.engine.prompts) == 2


# --- the list ---------------------------------------------------------------------------------


async def test_older_conversations_are_loaded_in_pages_of_fifty(tab: Tab) -> None:
    await add_conversations(tab.store, 120)
    tab.take(await tab.do.transcript.load("", None, tab.view, ASKER))
    for count in (50, 100, 120):
        markup = str(tab.updates[tab.on.conversations])
        assert markup.count("<li ") == count
        assert ('data-do="more"' in markup) == (count < 120)
        tab.take(await tab.do.sidebar.more("en", tab.view, ASKER))
    assert "Number 000" in str(tab.updates[tab.on.conversations])
    updates = await tab.do.sidebar.tick("", "en", tab.view, ASKER)
    assert str(updates[tab.on.conversations]).count("<li ") == 120


async def test_a_page_opened_before_loading_shows_the_defaults_afterwards(
    tab: Tab,
) -> None:
    temperature = tab.on.numbers["temperature"]
    tab.take(await tab.do.transcript.load("", None, tab.view, ASKER))
    assert tab.on.chips not in await tab.do.sidebar.tick("", "en", tab.view, ASKER)
    tab.view.defaults = None  # as a page has it that was drawn while the model was being loaded
    updates = await tab.do.sidebar.tick("", "en", tab.view, ASKER)
    assert "Temperature 0.7" in str(updates[tab.on.chips])
    assert "0.7" in str(updates[temperature])
    assert temperature not in await tab.do.sidebar.tick("", "en", tab.view, ASKER)


# --- a tree in two tabs -----------------------------------------------------------------------


def about(**data: Any) -> gr.EventData:
    return gr.EventData(None, data)


def other_tab(tab: Tab) -> Tab:
    return replace(tab, view=View(), updates=dict(tab.updates))


async def open_in(tab: Tab, conversation_id: str) -> None:
    tab.take(await tab.do.transcript.follow(conversation_id, "en", tab.view, ASKER))
    await tab.listen()


async def ask(tab: Tab, text: str, name: str) -> None:
    tab.take(await tab.do.composer.send(tab.values(text, name), ASKER))
    await tab.listen()


async def is_called(tab: Tab) -> bool:
    """Whether a tick makes the tab refresh."""
    updates = await tab.do.sidebar.tick(tab.conversation_id, "en", tab.view, ASKER)
    return tab.on.behind in updates


async def test_a_tick_refreshes_a_tab_only_after_changes_elsewhere(
    tab: Tab,
) -> None:
    await ask(tab, "Hi", "a" * 8)
    other = other_tab(tab)
    await open_in(other, tab.conversation_id)
    assert not await is_called(other)
    await ask(tab, "And?", "b" * 8)
    assert not await is_called(tab)
    assert await is_called(other)
    caught = await other.do.transcript.catch_up(other.conversation_id, "en", other.view, ASKER)
    assert "And?" in str(caught[other.on.newest])
    assert not await is_called(other)
    question = next(iter(tab.store.messages))
    event = about(message=question)
    tab.take(await tab.do.versions.delete_turn(event, tab.values(""), ASKER))
    assert await is_called(other)


async def test_a_tab_that_missed_a_refresh_is_refreshed_again(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    other = other_tab(tab)
    await open_in(other, tab.conversation_id)
    await ask(tab, "And?", "b" * 8)
    calls = [
        (await other.do.sidebar.tick(tab.conversation_id, "en", other.view, ASKER))[tab.on.behind]
        for _ in range(2)
    ]
    assert calls[0] != calls[1]


async def test_a_streaming_tab_is_not_refreshed(tab: Tab) -> None:
    tab.engine.scripts = [Script(["on "] * 5, step_s=0.1)]
    tab.take(await tab.do.composer.send(tab.values("Hi"), ASKER))
    pictures = tab.do.transcript.listen(tab.conversation_id, "en", tab.view, ASKER)
    tab.take(await anext(pictures))
    assert not await is_called(tab)
    async for updates in pictures:
        tab.take(updates)
    assert not await is_called(tab)
    settle = tab.do.transcript.settle
    tab.take(await settle(tab.conversation_id, "en", tab.view, ASKER))
    assert not await is_called(tab)
    assert not tab.view.listening


async def test_a_tab_opened_just_before_another_one_asks_loses_no_turn(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    other = other_tab(tab)
    here = tab.conversation_id
    other.take(await other.do.transcript.follow(here, "en", other.view, ASKER))
    tab.engine.scripts = [Script(["late"], hangs=True)]
    tab.take(await tab.do.composer.send(tab.values("And?", "b" * 8), ASKER))
    await other.listen()
    assert "Hi" in str(other.updates[tab.on.newest])
    assert await is_called(other)
    caught = other.take(await other.do.transcript.catch_up(here, "en", other.view, ASKER))
    assert "Hi" in str(caught[tab.on.earlier])
    pictures = tab.do.transcript.listen(here, "en", other.view, ASKER)
    assert "And?" in str((await anext(pictures))[tab.on.newest])
    await tab.do.composer.stop(here, ASKER)


async def test_a_tab_that_has_ended_its_stream_leaves_a_new_question_to_the_tick(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    other = other_tab(tab)
    here = tab.conversation_id
    other.take(await other.do.transcript.follow(here, "en", other.view, ASKER))
    async for updates in tab.do.transcript.listen(here, "en", other.view, ASKER):
        other.take(updates)
    tab.engine.scripts = [Script(["late"], hangs=True)]
    tab.take(await tab.do.composer.send(tab.values("And?", "b" * 8), ASKER))
    other.take(await other.do.transcript.settle(here, "en", other.view, ASKER))
    assert await is_called(other)
    await tab.do.composer.stop(here, ASKER)


async def test_only_the_newest_turn_is_sent_during_generation(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    tab.take(await tab.do.composer.send(tab.values("And?", "b" * 8), ASKER))
    pictures = [
        updates
        async for updates in tab.do.transcript.listen(tab.conversation_id, "en", tab.view, ASKER)
    ]
    assert {component for update in pictures for component in update} == {tab.on.newest}
    assert "Hi" not in str(pictures[0])


async def test_a_deleted_message_is_restored_by_undo_once(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    await ask(tab, "And?", "b" * 8)
    event = about(message=next(iter(tab.store.messages)))
    tab.take(await tab.do.versions.delete_turn(event, tab.values(""), ASKER))
    assert "2 messages deleted." in tab.note
    assert "Hi" not in str(tab.updates[tab.on.earlier])
    tab.take(await tab.do.versions.undo(tab.values(""), ASKER))
    assert "Hi" in str(tab.updates[tab.on.earlier])
    assert tab.note == ""
    assert await tab.do.versions.undo(tab.values(""), ASKER) == {tab.on.note: ""}


async def test_undoing_the_last_turn_puts_its_question_before_the_text_in_the_box(
    tab: Tab,
) -> None:
    await ask(tab, "Hi", "a" * 8)
    tab.take(await tab.do.versions.undo_turn(tab.values("typed"), ASKER))
    assert tab.updates[tab.on.message] == "Hi\n\ntyped"
    updates = tab.take(await tab.do.versions.undo(tab.values("Hi"), ASKER))
    assert updates[tab.on.message] == ""


async def test_a_deleted_version_is_reported_on_the_current_page(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    old = list(tab.store.messages)[-1]
    tab.take(await tab.do.versions.retry(about(message=old), tab.values(""), ASKER))
    await tab.listen()
    other = other_tab(tab)
    tab.take(await tab.do.versions.delete_branch(about(message=old), tab.values(""), ASKER))
    for do in (other.do.versions.show, other.do.versions.retry, other.do.versions.go_on):
        other.take(await do(about(message=old), other.values(""), ASKER))
        assert "deleted in another tab" in other.note
        assert "2/2" not in str(other.updates[other.on.newest])


async def test_a_refused_edit_does_not_change_the_transcript(tab: Tab) -> None:
    await ask(tab, "Hi", "a" * 8)
    question, answer = tab.store.messages
    for message in (question, answer):
        event = about(message=message, text="  ", request="c" * 8)
        updates = await tab.do.versions.edit(event, tab.values(""), ASKER)
        assert set(updates) == {tab.on.note}
    event = about(message="nothing", text="x", request="d" * 8)
    updates = await tab.do.versions.edit(event, tab.values(""), ASKER)
    assert set(updates) == {tab.on.note}


async def test_an_edited_question_keeps_its_files(tab: Tab) -> None:
    job = await tab.answers.send(
        LOCAL_USER,
        conversation_id=None,
        question=Question("Sum?", "a" * 8, attachments=(Attachment("t.csv", "1,2"),)),
        options=ChatOptions(),
    )
    await open_in(tab, job.conversation_id)
    question = next(iter(tab.store.messages))
    event = about(message=question, text="Mean?", request="b" * 8)
    tab.take(await tab.do.versions.edit(event, tab.values(""), ASKER))
    await tab.listen()
    assert "t.csv" in str(tab.updates[tab.on.newest])
    assert "1,2" in tab.engine.prompts[-1][0].content
    event = about(message=tab.newest_ids()[0], place="0")
    updates = await tab.do.details.file(event, tab.conversation_id, "en", ASKER)
    assert "1,2" in str(updates[tab.on.panel])
    for place in ("1", "-1"):
        event = about(message=tab.newest_ids()[0], place=place)
        updates = await tab.do.details.file(event, tab.conversation_id, "en", ASKER)
        assert tab.on.panel not in updates


async def test_a_long_conversation_is_rendered_from_its_end_and_upwards_on_demand(tab: Tab) -> None:
    tab.engine.scripts = [Script(["ok"])]
    for number in range(30):
        await ask(tab, f"Question {number:02}", f"request-{number}")
    other = other_tab(tab)
    await open_in(other, tab.conversation_id)
    assert other.view.drawn.hidden == 22
    assert "Question 21" not in str(other.updates[other.on.earlier])
    other.take(await other.do.transcript.earlier(other.conversation_id, "en", other.view, ASKER))
    assert other.view.drawn.hidden == 14
    other.take(await other.do.transcript.earlier(other.conversation_id, "en", other.view, ASKER))
    assert "Question 00" in str(other.updates[other.on.earlier])
    assert other.updates[other.on.above] == ""


async def test_a_search_hit_is_among_the_rendered_messages(tab: Tab) -> None:
    tab.engine.scripts = [Script(["ok"])]
    for number in range(30):
        await ask(tab, f"Question {number:02}", f"request-{number}")
    message_id = next(m.id for m in tab.store.messages.values() if m.content == "Question 03")
    other = other_tab(tab)
    event = about(id=tab.conversation_id, message=message_id)
    other.take(await other.do.sidebar.found(event, "en", other.view, ASKER))
    assert "Question 03" in str(other.updates[other.on.earlier])


async def test_the_result_of_earlier_words_does_not_replace_a_newer_search(tab: Tab) -> None:
    await ask(tab, "About cats", "a" * 32)
    search = tab.do.sidebar.search
    earlier, newer = await asyncio.gather(
        *(search(about(words=words), "en", tab.view, ASKER) for words in ("ca", "cats"))
    )
    assert tab.on.conversations not in earlier
    assert "cats" in str(newer[tab.on.conversations])


async def test_the_details_of_an_answer_have_its_exact_prompt(tab: Tab) -> None:
    await ask(tab, "Hi <b>", "a" * 8)
    event = about(message=list(tab.store.messages)[-1])
    here = tab.conversation_id
    updates = await tab.do.details.answer(event, here, "en", ASKER)
    assert "Scripted-1B-Instruct" in str(updates[tab.on.panel])
    assert "&lt;user&gt;" not in str(updates[tab.on.panel])
    updates = await tab.do.details.prompt(event, here, "en", ASKER)
    assert "&lt;user&gt;Hi &lt;b&gt;" in str(updates[tab.on.panel])
    edited = about(message=list(tab.store.messages)[-1], text="By hand", request="b" * 8)
    tab.take(await tab.do.versions.edit(edited, tab.values(""), ASKER))
    event = about(message=tab.newest_ids()[1])
    updates = await tab.do.details.prompt(event, here, "en", ASKER)
    assert "cannot be rebuilt" in str(updates[tab.on.panel])


async def test_an_answer_of_a_temporary_conversation_cannot_be_rated(tab: Tab) -> None:
    for prefix in ("", TEMPORARY):
        tab.store.prefix = prefix
        tab.take(await tab.do.sidebar.new_chat("en", tab.view, ASKER))
        tab.take(await tab.do.composer.send(tab.values("Hi", f"{NAME}{prefix}"), ASKER))
        await tab.listen()
        assert ("rate-up" in str(tab.updates[tab.on.newest])) is not bool(prefix)


# --- settings that the panel has no field for ---------------------------------------------------

HIDDEN = Sampling(
    temperature=0.123456789,
    presence_penalty=0.5,
    frequency_penalty=-0.25,
    min_new_tokens=3,
    stop=("a\nb", "END"),
)


async def with_settings(tab: Tab) -> Conversation:
    """An imported conversation with these settings, opened in the tab."""
    job = await tab.answers.send(
        LOCAL_USER, conversation_id=None, question=Question("Hi", "first"), options=ChatOptions()
    )
    async for _ in job.watch():
        pass
    archive = await tab.store.archive(LOCAL_USER, job.conversation_id)
    brought = replace(archive.conversation, options=ChatOptions("Be brief.\n", HIDDEN))
    (added,) = await tab.store.add_archives(LOCAL_USER, [Archive(brought, archive.messages)])
    await open_in(tab, added.id)
    return added


async def test_asking_retrying_and_editing_keep_the_settings_without_a_field(tab: Tab) -> None:
    added = await with_settings(tab)
    await ask(tab, "And?", NAME)
    question, answer = tab.newest_ids()
    again = await tab.do.versions.retry(about(message=answer), tab.values(""), ASKER)
    tab.take(again)
    await tab.listen()
    edit = about(message=question, text="Or?", request="b" * 32)
    tab.take(await tab.do.versions.edit(edit, tab.values(""), ASKER))
    await tab.listen()
    assert len(tab.engine.samplings) == 4
    for sampling in tab.engine.samplings[1:]:
        assert replace(sampling, seed=None) == HIDDEN
    stored = await tab.store.conversation(LOCAL_USER, added.id)
    assert stored.options == ChatOptions("Be brief.\n", HIDDEN)


async def test_a_changed_setting_leaves_those_without_a_field(tab: Tab) -> None:
    added = await with_settings(tab)
    values = {**tab.values(""), tab.on.numbers["temperature"]: 1.5}
    tab.take(await tab.do.composer.keep_options(values, ASKER))
    stored = await tab.store.conversation(LOCAL_USER, added.id)
    assert stored.options.sampling == replace(HIDDEN, temperature=1.5)
    assert "Presence penalty 0.5" in str(tab.updates[tab.on.without_field])


async def test_settings_without_a_field_outlive_the_servers_state_of_the_tab(tab: Tab) -> None:
    added = await with_settings(tab)
    await ask(replace(tab, view=View()), "And?", NAME)
    stored = await tab.store.conversation(LOCAL_USER, added.id)
    assert stored.options == ChatOptions("Be brief.\n", HIDDEN)


def form_of(page: object) -> dict[str, Any]:
    """The fields of the preset form, as the browser reads them."""
    fields: dict[str, Any] = {"questions": []}
    inputs = re.findall(r'<input[^>]*name="(\w+)"[^>]*value="([^"]*)"', str(page))
    areas = re.findall(r'<textarea[^>]*name="(\w+)"[^>]*>\n?([^<]*)</textarea>', str(page))
    for name, value in [*inputs, *areas]:
        seen = (
            re.sub(r"\r\n?", "\n", unescape(value)) if (name, value) in areas else unescape(value)
        )
        if name == "questions":
            fields["questions"].append(seen)
        else:
            fields[name] = seen
    return fields


async def test_a_renamed_preset_keeps_everything_else(tab: Tab) -> None:
    before = PresetText("Old", " Be\r\nbrief. ", HIDDEN, ("  if x:\r\n\ty", "Why?"))
    presets = Presets(tab.store)
    preset = await presets.add(LOCAL_USER, before)
    tab.take(await tab.do.presets.write(about(preset=preset.ref.id), tab.values(""), ASKER))
    fields = form_of(tab.updates[tab.on.presets]) | {"name": "New"}
    saving = about(preset=preset.ref.id, fields=fields)
    tab.take(await tab.do.presets.save(saving, "", "en", tab.view, ASKER))
    renamed = await presets.get(LOCAL_USER, preset.ref.id)
    assert renamed.text == replace(before, name="New")


async def test_a_copied_preset_and_one_of_the_present_settings_keep_all_settings(
    tab: Tab,
) -> None:
    presets = Presets(tab.store)
    source = await presets.add("somebody", PresetText("Theirs", "Be brief.", HIDDEN))
    await presets.share("somebody", source.ref.id, True)
    tab.take(await tab.do.presets.choose(about(preset=source.ref.id), "", "en", tab.view, ASKER))
    for chosen in (source.ref.id, ""):
        tab.take(await tab.do.presets.write(about(preset=chosen), tab.values(""), ASKER))
        fields = form_of(tab.updates[tab.on.presets]) | {"name": f"Mine {chosen}"}
        saving = about(preset="", fields=fields)
        tab.take(await tab.do.presets.save(saving, "", "en", tab.view, ASKER))
    mine = [item for item in await presets.list(LOCAL_USER, "en") if item.owner_id == LOCAL_USER]
    assert [item.text.sampling for item in mine] == [HIDDEN, HIDDEN]


async def test_reset_settings_are_those_of_the_preset_or_of_the_model(tab: Tab) -> None:
    preset = await Presets(tab.store).add(
        LOCAL_USER, PresetText("Brief", "Be brief.", Sampling(temperature=0.1))
    )
    await ask(tab, "A question", NAME)
    for preset_id, options in (("", ChatOptions()), (preset.ref.id, Presets.options_of(preset))):
        choosing = about(preset=preset_id)
        place = (tab.conversation_id, "en", tab.view, ASKER)
        tab.take(await tab.do.presets.choose(choosing, *place))
        tab.take({tab.on.system_prompt: "Typed", tab.on.numbers["temperature"]: 1.5})
        tab.take(await tab.do.composer.keep_options(tab.values(""), ASKER))
        tab.take(await tab.do.presets.reset(*place))
        assert tab.on.options(tab.values("")) == options
        kept = await tab.store.conversation(LOCAL_USER, tab.conversation_id)
        assert kept.options == options


async def test_the_settings_panel_names_the_chat_that_it_applies_to(tab: Tab) -> None:
    tab.take(await tab.do.transcript.load("", "en", tab.view, ASKER))
    title = str(tab.updates[tab.on.settings_title])
    assert "apply to this chat only" in title
    assert 'data-do="ask-reset"' in title
