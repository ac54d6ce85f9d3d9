"""Maintenance: answers of users without access are stopped, old conversations are deleted."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from chat.accounts.models import Action, AuditEntry, User
from chat.errors import StoreFailed
from chat.maintenance import Maintenance
from chat.models import Status
from chat.serving.background import BackgroundJobs
from tests.chat import Chat, finished, make_chat, until_text
from tests.fakes import Script
from tests.memory_store import MemoryStore
from tests.memory_users import MemoryUsers
from tests.users import CREATED, LINK, Town, make_town

HANGING = Script(pieces=["so far"], hangs=True)
LOOK_S = 0.01


@pytest.fixture
async def town() -> Town:
    return await make_town()


async def disable(users: MemoryUsers) -> None:
    await users.change_user("bob", CREATED, disabled=True)


async def delete(users: MemoryUsers) -> None:
    await users.delete_user("bob", CREATED)


@pytest.mark.parametrize("change", [disable, delete])
async def test_answers_of_users_without_access_are_stopped_and_no_others(
    town: Town, change: Callable[[MemoryUsers], Awaitable[None]]
) -> None:
    chat = make_chat(HANGING, max_running=2)
    running, others = await chat.ask("one", user_id="bob"), await chat.ask("two", user_id="ann")
    waiting = await chat.ask("three", user_id="bob")
    await until_text(running)
    await until_text(others)
    maintenance = Maintenance(chat.jobs, town.users)
    await maintenance.stop_removed_users()
    assert chat.jobs.users() == {"ann", "bob"}
    await change(town.users)
    await maintenance.stop_removed_users()
    stopped = await finished(running)
    assert (stopped.status, stopped.text) == (Status.STOPPED, "so far")
    assert (await finished(waiting)).status is Status.STOPPED
    assert chat.jobs.users() == {"ann"}
    await chat.jobs.close(0)


async def test_a_guest_of_a_revoked_link_gets_no_more_answers(town: Town) -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="gus")
    await until_text(job)
    await town.users.revoke_guest_link(LINK.id, CREATED)
    await Maintenance(chat.jobs, town.users).stop_removed_users()
    assert (await finished(job)).status is Status.STOPPED


async def test_without_accounts_no_answer_is_stopped() -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="local")
    await until_text(job)
    await Maintenance(chat.jobs, MemoryUsers()).stop_removed_users()
    assert chat.jobs.users() == {"local"}
    job.cancel()
    await finished(job)


class Flaky(MemoryUsers):
    """The database does not answer at first."""

    def __init__(self) -> None:
        super().__init__()
        self.failures = 3

    async def user(self, user_id: str) -> User:
        if self.failures:
            self.failures -= 1
            raise StoreFailed
        return await super().user(user_id)


async def test_maintenance_continues_after_a_database_error() -> None:
    chat = make_chat(HANGING)
    job = await chat.ask("one", user_id="nobody")
    maintenance = asyncio.create_task(Maintenance(chat.jobs, Flaky()).run(LOOK_S))
    async with asyncio.timeout(5):
        assert (await finished(job)).status is Status.STOPPED
    maintenance.cancel()
    await asyncio.wait({maintenance})


@pytest.fixture
async def aged() -> Chat:
    """One conversation that was unused for ten days, and one of now."""
    chat = make_chat()
    old, new = (
        await chat.ask_and_wait("old", user_id="bob"),
        await chat.ask_and_wait("new", user_id="bob"),
    )
    stored = chat.store.stored[old.conversation_id]
    chat.store.stored[old.conversation_id] = replace(
        stored, updated_at=chat.store.stored[new.conversation_id].updated_at - timedelta(days=10)
    )
    return chat


def maintenance_of(chat: Chat, users: MemoryUsers, days: int | None) -> Maintenance:
    return Maintenance(chat.jobs, users, keep=None if days is None else timedelta(days=days))


@pytest.mark.parametrize(("days", "deleted"), [(None, 0), (11, 0), (9, 1)])
async def test_conversations_past_the_retention_time_are_deleted_and_no_others(
    aged: Chat, days: int | None, deleted: int
) -> None:
    users = MemoryUsers(chats=aged.store)
    assert await maintenance_of(aged, users, days).destroy_old() == deleted
    titles = {conversation.title for conversation in await aged.store.conversations("bob")}
    assert titles == ({"new"} if deleted else {"old", "new"})
    noted = [
        (audit_entry.user_id, audit_entry.action, audit_entry.detail)
        for audit_entry in await users.audit_entries()
    ]
    assert noted == ([("", Action.RETENTION, "1")] if deleted else [])


class UsersWithAuditEvent(MemoryUsers):
    """Sets `noted` when an entry is added to the audit log."""

    def __init__(self, chats: MemoryStore) -> None:
        super().__init__(chats=chats)
        self.noted = asyncio.Event()

    async def add_audit_entry(self, audit_entry: AuditEntry) -> None:
        await super().add_audit_entry(audit_entry)
        self.noted.set()


async def test_old_conversations_are_deleted_at_start_up(aged: Chat) -> None:
    users = UsersWithAuditEvent(aged.store)
    maintenance = asyncio.create_task(maintenance_of(aged, users, 9).run(LOOK_S))
    async with asyncio.timeout(5):
        await users.noted.wait()
    maintenance.cancel()
    await asyncio.wait({maintenance})
    assert maintenance.cancelled()
    assert [remaining.title for remaining in await aged.store.conversations("bob")] == ["new"]


async def test_data_past_their_campaigns_retention_are_deleted_too(town: Town) -> None:
    calls: list[int] = []

    async def destroy_due() -> int:
        calls.append(1)
        return 3

    maintenance = Maintenance(make_chat().jobs, town.users, destroy_due=destroy_due)
    assert await maintenance.destroy_promised() == 3
    assert calls == [1]


async def test_a_sweep_that_fails_ends_no_other_job_of_the_app(town: Town) -> None:
    swept = asyncio.Event()

    async def destroy_due() -> int:
        swept.set()
        raise OverflowError("date value out of range")

    chat = make_chat(HANGING)
    background = BackgroundJobs()
    maintenance = Maintenance(chat.jobs, town.users, destroy_due=destroy_due, background=background)
    running = asyncio.create_task(maintenance.run(LOOK_S))
    async with asyncio.timeout(5):
        await swept.wait()
        job = await chat.ask("one", user_id="bob")
        await until_text(job)
        await disable(town.users)
        assert (await finished(job)).status is Status.STOPPED
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})


async def test_one_user_that_cannot_be_read_does_not_stop_the_checks_of_others(town: Town) -> None:
    class Faulty(MemoryUsers):
        async def user(self, user_id: str) -> User:
            if user_id == "ann":
                raise ValueError(user_id)
            return await super().user(user_id)

    chat = make_chat(HANGING, max_running=2)
    await chat.ask("one", user_id="ann")
    job = await chat.ask("two", user_id="bob")
    with pytest.raises(ValueError, match="ann"):
        await Maintenance(chat.jobs, Faulty()).stop_removed_users()
    assert (await finished(job)).status is Status.STOPPED
    await chat.jobs.close(0)
