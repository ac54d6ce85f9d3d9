"""What the app does by itself: answers of who has left are stopped, old conversations destroyed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chat.accounts.models import Action, AuditEntry, User
from chat.errors import StoreFailed
from chat.maintenance import Maintenance
from chat.models import Status
from tests.chat import Chat, finished, make_chat, until_text
from tests.fakes import Script
from tests.memory_people import MemoryPeople
from tests.memory_store import MemoryStore
from tests.people import LINK, MADE, Town, make_town

HANGING = Script(pieces=["so far"], hangs=True)
LOOK_S = 0.01


@pytest.fixture
async def town() -> Town:
    return await make_town()


async def disable(people: MemoryPeople) -> None:
    await people.change_person("bob", MADE, disabled=True)


async def delete(people: MemoryPeople) -> None:
    await people.delete_person("bob", MADE)


@pytest.mark.parametrize("change", [disable, delete])
async def test_the_answers_of_who_may_not_be_here_any_more_are_stopped_and_no_others(
    town: Town, change: Callable[[MemoryPeople], Awaitable[None]]
) -> None:
    chat = make_chat(HANGING, max_running=2)
    running, others = await chat.ask("one", user_id="bob"), await chat.ask("two", user_id="ann")
    waiting = await chat.ask("three", user_id="bob")
    await until_text(running)
    await until_text(others)
    maintenance = Maintenance(chat.jobs, town.people)
    await maintenance.stop_who_left()
    assert chat.jobs.users() == {"ann", "bob"}
    await change(town.people)
    await maintenance.stop_who_left()
    stopped = await finished(running)
    assert (stopped.status, stopped.text) == (Status.STOPPED, "so far")
    assert (await finished(waiting)).status is Status.STOPPED
    assert chat.jobs.users() == {"ann"}
    await chat.jobs.close(0)


async def test_a_guest_whose_link_is_revoked_is_not_written_to_any_more(town: Town) -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="gus")
    await until_text(job)
    await town.people.revoke_guest_link(LINK.id, MADE)
    await Maintenance(chat.jobs, town.people).stop_who_left()
    assert (await finished(job)).status is Status.STOPPED


async def test_while_there_are_no_accounts_everybody_stays() -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="local")
    await until_text(job)
    await Maintenance(chat.jobs, MemoryPeople()).stop_who_left()
    assert chat.jobs.users() == {"local"}
    job.cancel()
    await finished(job)


class Flaky(MemoryPeople):
    """The database does not answer at first."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 3

    async def user(self, user_id: str) -> User:
        if self.failures:
            self.failures -= 1
            raise StoreFailed
        return await super().user(user_id)


async def test_it_goes_on_looking_when_the_database_fails() -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="nobody")
    maintenance = asyncio.create_task(Maintenance(chat.jobs, Flaky()).run(LOOK_S))
    async with asyncio.timeout(5):
        assert (await finished(job)).status is Status.STOPPED
    maintenance.cancel()
    await asyncio.wait({maintenance})


@pytest.fixture
async def aged() -> Chat:
    """One conversation that nobody touched for ten days, and one of now."""
    chat = make_chat()
    old, new = await chat.told("old", user_id="bob"), await chat.told("new", user_id="bob")
    kept = chat.store.stored[old.conversation_id]
    chat.store.stored[old.conversation_id] = replace(
        kept, updated_at=chat.store.stored[new.conversation_id].updated_at - timedelta(days=10)
    )
    return chat


def upkeep_of(chat: Chat, people: MemoryPeople, days: int | None) -> Maintenance:
    return Maintenance(chat.jobs, people, keep=None if days is None else timedelta(days=days))


@pytest.mark.parametrize(("days", "gone"), [(None, 0), (11, 0), (9, 1)])
async def test_conversations_older_than_may_be_are_destroyed_and_no_others(
    aged: Chat, days: int | None, gone: int
) -> None:
    people = MemoryPeople(chats=aged.store)
    assert await upkeep_of(aged, people, days).destroy_old() == gone
    titles = {conversation.title for conversation in await aged.store.conversations("bob")}
    assert titles == ({"new"} if gone else {"old", "new"})
    noted = [(entry.user_id, entry.action, entry.detail) for entry in await people.entries()]
    assert noted == ([("", Action.RETENTION, "1")] if gone else [])


class Telling(MemoryPeople):
    """Tells when something was noted in the audit log."""

    def __init__(self, chats: MemoryStore) -> None:
        super().__init__(chats=chats)
        self.noted = asyncio.Event()

    async def write_entry(self, entry: AuditEntry) -> None:
        await super().write_entry(entry)
        self.noted.set()


async def test_old_conversations_are_destroyed_when_the_app_starts(aged: Chat) -> None:
    people = Telling(aged.store)
    maintenance = asyncio.create_task(upkeep_of(aged, people, 9).run(LOOK_S))
    async with asyncio.timeout(5):
        await people.noted.wait()
    maintenance.cancel()
    await asyncio.wait({maintenance})
    assert maintenance.cancelled()
    assert [left.title for left in await aged.store.conversations("bob")] == ["new"]


async def test_what_was_promised_to_go_is_destroyed_too(town: Town) -> None:
    asked: list[int] = []

    async def destroy_due() -> int:
        asked.append(1)
        return 3

    maintenance = Maintenance(make_chat().jobs, town.people, destroy_due=destroy_due)
    assert await maintenance.destroy_old() == 0
    assert asked == [1]
