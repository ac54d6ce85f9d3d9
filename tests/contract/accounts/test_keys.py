"""The contract of API key stores: in memory, SQLite and PostgreSQL."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from chat.accounts.models import (
    AccountRole,
    AccountUsage,
    Action,
    ApiKey,
    AuditEntry,
    KeyScope,
    User,
)
from chat.accounts.ports import AccountStore
from chat.errors import BadText, NotFound
from tests.contract.stores import END, START
from tests.contract.users import ANN, BOB, CY, JOINED

KEY = ApiKey(
    "key",
    BOB.id,
    "nightly script 夜间",
    "sk-abcde",
    START,
    scopes=frozenset(KeyScope),
    expires_at=END,
    requests_per_minute=5,
    tokens_per_day=3 * 10**9,
)
REVOKED = AuditEntry(START + timedelta(minutes=1), ANN.id, Action.REVOKE_KEY, KEY.id)
DAY = START.date()


async def add_key(town: AccountStore) -> None:
    await town.add_key("digest", KEY, JOINED)


async def test_a_key_is_found_by_its_digest_with_its_user(town: AccountStore) -> None:
    await add_key(town)
    assert await town.key("digest") == (KEY, BOB)
    assert await town.key("another") is None
    plain = ApiKey("plain", CY.id, "plain", "sk-fghij", START)
    await town.add_key("plain", plain, JOINED)
    assert await town.key("plain") == (plain, CY)


async def test_a_key_needs_an_active_member(town: AccountStore) -> None:
    await town.add_user(User("gus", "Gus", AccountRole.GUEST, START), None, JOINED)
    await town.change_user(CY.id, JOINED, disabled=True)
    before = len(await town.audit_entries())
    for owner_id in ("gus", CY.id, "nobody"):
        with pytest.raises(NotFound):
            await town.add_key("digest", replace(KEY, owner_id=owner_id), JOINED)
    assert list(await town.keys(None)) == []
    assert len(await town.audit_entries()) == before


async def test_keys_are_listed_newest_first_for_one_or_for_all(town: AccountStore) -> None:
    await add_key(town)
    later = replace(KEY, id="later", created_at=START + timedelta(seconds=1))
    others = replace(KEY, id="cy's", owner_id=CY.id, created_at=START + timedelta(seconds=2))
    await town.add_key("digest 2", later, JOINED)
    await town.add_key("digest 3", others, JOINED)
    assert list(await town.keys(BOB.id)) == [later, KEY]
    assert list(await town.keys(None)) == [others, later, KEY]
    assert list(await town.keys("nobody")) == []


async def test_the_last_use_of_a_key_is_stored(town: AccountStore) -> None:
    await add_key(town)
    used_at = START + timedelta(hours=1)
    await town.touch_key(KEY.id, used_at)
    await town.touch_key("another", used_at)
    assert await town.key("digest") == (replace(KEY, used_at=used_at), BOB)


async def test_a_key_is_revoked_by_its_owner_or_an_administrator(town: AccountStore) -> None:
    await add_key(town)
    for key_id, owner_id in ((KEY.id, CY.id), ("another", None)):
        with pytest.raises(NotFound):
            await town.revoke_key(key_id, REVOKED, owner_id=owner_id)
    assert await town.key("digest") == (KEY, BOB)
    await town.revoke_key(KEY.id, REVOKED, owner_id=BOB.id)
    assert await town.key("digest") == (replace(KEY, revoked=True), BOB)
    assert (await town.audit_entries())[0] == REVOKED
    await town.revoke_key(KEY.id, REVOKED)


async def test_disabling_revokes_keys_and_enabling_does_not_restore_them(
    town: AccountStore,
) -> None:
    await add_key(town)
    await town.add_key("cy's", replace(KEY, id="cy's", owner_id=CY.id), JOINED)
    await town.change_user(BOB.id, JOINED, disabled=True)
    await town.change_user(BOB.id, JOINED, disabled=False)
    assert await town.key("digest") == (replace(KEY, revoked=True), BOB)
    assert [key.revoked for key in await town.keys(CY.id)] == [False]


async def test_key_usage_adds_up_by_day(town: AccountStore) -> None:
    await add_key(town)
    assert await town.used_by_key(KEY.id, DAY) == AccountUsage()
    await asyncio.gather(
        *(town.spend_by_key(KEY.id, DAY, AccountUsage(1, 2**31)) for _ in range(8))
    )
    await town.spend_by_key(KEY.id, DAY + timedelta(days=1), AccountUsage(1, 7))
    assert await town.used_by_key(KEY.id, DAY) == AccountUsage(8, 8 * 2**31)
    assert await town.used_by_key(KEY.id, DAY + timedelta(days=1)) == AccountUsage(1, 7)
    assert await town.used(BOB.id) == AccountUsage()


async def test_usage_of_a_deleted_key_is_not_stored(town: AccountStore) -> None:
    await add_key(town)
    await town.delete_user(BOB.id, JOINED)
    await town.spend_by_key(KEY.id, DAY, AccountUsage(1, 1))
    await town.touch_key(KEY.id, START)
    assert await town.used_by_key(KEY.id, DAY) == AccountUsage()


async def test_a_name_that_cannot_be_stored_is_refused(town: AccountStore) -> None:
    for name in ("\0", "\ud800"):
        with pytest.raises(BadText):
            await town.add_key("digest", replace(KEY, name=name), JOINED)
