"""API keys: made and revoked by whom, good for whom and how long, and what each may use."""

import logging
import re
from contextlib import ExitStack
from datetime import datetime, timedelta

import pytest

from chat.accounts.api_keys import PREFIX_LENGTH, KeyLimits
from chat.accounts.errors import (
    BadKey,
    BadName,
    KeyNotAllowed,
    TokensUsedUp,
    TooManyAttempts,
    TooManyRequests,
)
from chat.accounts.login_throttle import FAILURES
from chat.accounts.models import LOCAL, Action, ApiKey, KeyScope, Principal, User
from chat.accounts.service import Accounts
from chat.errors import InvalidSetting, NotFound, StoreFailed
from logs import redact
from tests.house import Clock
from tests.memory_users import MemoryUsers, OpenHasher
from tests.users import CREATED, NOON, Town, make_town

HOME, OFFICE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
async def town() -> Town:
    return await make_town()


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def accounts(town: Town, clock: Clock) -> Accounts:
    return Accounts(town.users, OpenHasher(), clock, timer=clock.timer)


@pytest.fixture
def root(town: Town) -> User:
    return town.users.by_id["root"]


@pytest.fixture
def ann(town: Town) -> User:
    return town.users.by_id["ann"]


@pytest.fixture
def bob(town: Town) -> User:
    return town.users.by_id["bob"]


@pytest.fixture
def gus(town: Town) -> User:
    return town.users.by_id["gus"]


# --- making -----------------------------------------------------------------------------------


async def test_a_key_is_a_secret_of_which_the_store_has_only_the_digest(
    accounts: Accounts, town: Town, ann: User
) -> None:
    key, secret = await accounts.keys.add(ann, name="nightly")
    assert re.fullmatch(r"sk-[\w-]{43}", secret)
    assert key.prefix == secret[:PREFIX_LENGTH]
    assert secret not in repr(town.users)
    assert secret[PREFIX_LENGTH:] not in repr(town.users)
    _, other = await accounts.keys.add(ann, name="nightly")
    assert other != secret


async def test_a_key_has_an_owner_and_the_log_names_its_creator(
    accounts: Accounts, town: Town, ann: User, root: User
) -> None:
    key, _ = await accounts.keys.add(root, name="for ann", for_user=ann)
    assert key.owner_id == "ann"
    audit_entry = town.users.audit[-1]
    assert (audit_entry.user_id, audit_entry.action, audit_entry.target) == (
        "root",
        Action.NEW_KEY,
        key.id,
    )
    with pytest.raises(NotFound):
        await accounts.keys.add(ann, name="for root", for_user=root)


async def test_guests_have_nothing_to_do_with_keys(accounts: Accounts, gus: User) -> None:
    for call in (
        accounts.keys.add(gus, name="x"),
        accounts.keys.list(gus),
        accounts.keys.revoke(gus, "x"),
    ):
        with pytest.raises(NotFound):
            await call


async def test_metrics_need_an_administrators_key(
    accounts: Accounts, ann: User, root: User
) -> None:
    with pytest.raises(KeyNotAllowed):
        await accounts.keys.add(ann, name="x", scopes={KeyScope.API, KeyScope.METRICS})
    with pytest.raises(KeyNotAllowed):
        await accounts.keys.add(root, name="x", scopes={KeyScope.METRICS}, for_user=ann)
    key, _ = await accounts.keys.add(root, name="x", scopes={KeyScope.METRICS})
    assert key.scopes == {KeyScope.METRICS}


@pytest.mark.parametrize(
    "wrong",
    [
        {"days": 0},
        {"days": 3651},
        {"requests_per_minute": 0},
        {"tokens_per_day": 10**9 + 1},
        {"scopes": ()},
    ],
)
async def test_values_out_of_bounds_are_refused_by_name(
    accounts: Accounts, ann: User, wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidSetting) as caught:
        await accounts.keys.add(ann, name="x", **wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.values["name"] in wrong


async def test_a_key_has_a_name(accounts: Accounts, ann: User) -> None:
    with pytest.raises(BadName):
        await accounts.keys.add(ann, name=" ")


# --- coming in --------------------------------------------------------------------------------


async def test_a_key_authenticates_its_owner_within_its_scopes(
    accounts: Accounts, ann: User, root: User
) -> None:
    key, secret = await accounts.keys.add(ann, name="x")
    principal = await accounts.keys.principal(secret, address=HOME)
    assert principal == Principal(ann, key, frozenset({KeyScope.API}))
    _, metrics_key = await accounts.keys.add(root, name="x", scopes={KeyScope.METRICS})
    assert (await accounts.keys.principal(metrics_key, address=HOME)).scopes == {KeyScope.METRICS}


@pytest.mark.parametrize("wrong", ["", "sk-", "sk-" + "a" * 43, "\ud800", "sk-" + "a" * 10**5])
async def test_an_invalid_key_is_rejected(accounts: Accounts, wrong: str) -> None:
    with pytest.raises(BadKey):
        await accounts.keys.principal(wrong, address=HOME)


async def test_neither_a_part_of_a_key_nor_its_digest_authenticates(
    accounts: Accounts, town: Town, ann: User
) -> None:
    _, secret = await accounts.keys.add(ann, name="x")
    for wrong in (secret[:-1], f"{secret} ", secret.upper(), *town.users.api_keys):
        with pytest.raises(BadKey):
            await accounts.keys.principal(wrong, address=HOME)


async def test_an_expired_key_is_rejected(accounts: Accounts, ann: User, clock: Clock) -> None:
    _, secret = await accounts.keys.add(ann, name="x", days=1)
    clock.advance(days=1, seconds=-1)
    await accounts.keys.principal(secret, address=HOME)
    clock.advance(seconds=1)
    with pytest.raises(BadKey):
        await accounts.keys.principal(secret, address=HOME)


async def test_only_the_owner_or_an_administrator_revokes_a_key(
    accounts: Accounts, town: Town, ann: User, bob: User, root: User
) -> None:
    for user in (ann, root):
        key, secret = await accounts.keys.add(ann, name="x")
        with pytest.raises(NotFound):
            await accounts.keys.revoke(bob, key.id)
        await accounts.keys.principal(secret, address=HOME)
        await accounts.keys.revoke(user, key.id)
        audit_entry = town.users.audit[-1]
        assert (audit_entry.user_id, audit_entry.action, audit_entry.target) == (
            user.id,
            Action.REVOKE_KEY,
            key.id,
        )
        with pytest.raises(BadKey):
            await accounts.keys.principal(secret, address=HOME)


async def test_keys_of_disabled_or_deleted_users_are_rejected_at_once(
    accounts: Accounts, ann: User, bob: User, root: User
) -> None:
    secrets = [(await accounts.keys.add(user, name="x"))[1] for user in (ann, bob)]
    for secret in secrets:
        await accounts.keys.principal(secret, address=HOME)
    await accounts.users.disable(root, ann.id)
    await accounts.users.delete(root, bob.id)
    for secret in secrets:
        with pytest.raises(BadKey):
            await accounts.keys.principal(secret, address=HOME)
    await accounts.users.enable(root, ann.id)
    with pytest.raises(BadKey):
        await accounts.keys.principal(secrets[0], address=HOME)


async def test_members_see_their_own_keys_and_administrators_all(
    accounts: Accounts, ann: User, bob: User, root: User, clock: Clock
) -> None:
    anns, _ = await accounts.keys.add(ann, name="ann's")
    clock.advance(seconds=1)
    bobs, _ = await accounts.keys.add(bob, name="bob's")
    assert list(await accounts.keys.list(ann)) == [anns]
    assert list(await accounts.keys.list(root)) == [bobs, anns]


class CountedTouches(MemoryUsers):
    """Counts writes of the last use of keys; fails on request."""

    touched = 0
    full = False

    async def touch_key(self, key_id: str, used_at: datetime) -> None:
        if self.full:
            raise StoreFailed
        self.touched += 1
        await super().touch_key(key_id, used_at)


async def test_the_last_use_is_written_once_a_minute(clock: Clock, ann: User) -> None:
    store = CountedTouches()
    await store.add_user(ann, None, CREATED)
    accounts = Accounts(store, OpenHasher(), clock, timer=clock.timer)
    key, secret = await accounts.keys.add(ann, name="x")
    for seconds in (0, 1, 58.9, 0.2, 30, 31):
        clock.advance(seconds=seconds)
        await accounts.keys.principal(secret, address=HOME)
    assert store.touched == 3
    used_at = (await accounts.keys.list(ann))[0].used_at
    assert used_at
    assert clock() - used_at < timedelta(minutes=1)
    store.full = True
    clock.advance(minutes=2)
    assert (await accounts.keys.principal(secret, address=HOME)).id == key.id


async def test_too_many_bad_keys_are_throttled_but_a_good_key_still_works(
    accounts: Accounts, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    _, secret = await accounts.keys.add(ann, name="x")
    caplog.set_level(logging.INFO)
    for _ in range(FAILURES):
        with pytest.raises(BadKey):
            await accounts.keys.principal("sk-wrong", address=HOME)
    with pytest.raises(TooManyAttempts) as caught:
        await accounts.keys.principal("sk-wrong", address=HOME)
    assert caught.value.values["retry_after_s"] == 180
    await accounts.keys.principal(secret, address=HOME)
    with pytest.raises(BadKey):
        await accounts.keys.principal("sk-wrong", address=OFFICE)
    assert len(caplog.records) == FAILURES + 1


async def test_the_log_reports_a_refused_key_without_its_secret(
    accounts: Accounts, ann: User, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    key, secret = await accounts.keys.add(ann, name="x")
    await accounts.keys.revoke(ann, key.id)
    for wrong in (secret, "my password"):
        with pytest.raises(BadKey):
            await accounts.keys.principal(wrong, address=HOME)
    messages = [redact(record.getMessage()) for record in caplog.records]
    assert messages == [
        f"a key {key.prefix}… from {HOME} was refused",
        f"no key of ours from {HOME} was refused",
    ]
    assert secret[PREFIX_LENGTH:] not in redact(f"Authorization: Bearer {secret} and {secret}")


# --- limits -----------------------------------------------------------------------------------


async def principal_with(town: Town, **limits: int) -> Principal:
    key = ApiKey("key", "ann", "x", "sk-abcde", NOON, **limits)  # type: ignore[arg-type]  # by name
    await town.users.add_key("digest", key, CREATED)
    return Principal(town.users.by_id["ann"], key)


def limits_of(town: Town) -> KeyLimits:
    return KeyLimits(town.users, town.rates, clock=lambda: town.now)


async def test_a_key_has_a_rate_limit(town: Town) -> None:
    limits, principal = limits_of(town), await principal_with(town, requests_per_minute=2)
    await limits.check(principal, ExitStack())
    await limits.check(principal, ExitStack())
    with pytest.raises(TooManyRequests) as caught:
        await limits.check(principal, ExitStack())
    assert caught.value.values == {"limit": 2, "retry_after_s": 42}


async def test_a_key_has_a_daily_token_limit(town: Town) -> None:
    limits, principal = limits_of(town), await principal_with(town, tokens_per_day=50)
    await limits.check(principal, ExitStack())
    await limits.spend(principal, 49)
    await limits.check(principal, ExitStack())
    await limits.spend(principal, 500)
    with pytest.raises(TokensUsedUp) as caught:
        await limits.check(principal, ExitStack())
    assert caught.value.values == {"limit": 50, "retry_after_s": 12 * 3600, "hours": 12}
    town.now += timedelta(hours=12)
    await limits.check(principal, ExitStack())


async def test_a_key_without_limits_and_a_user_without_a_key_are_not_limited(town: Town) -> None:
    limits, principal = limits_of(town), await principal_with(town)
    for someone in (principal, Principal(LOCAL), Principal(town.users.by_id["ann"])):
        for _ in range(9):
            await limits.check(someone, ExitStack())
            await limits.spend(someone, 10**9)
    assert (await town.users.used_by_key("key", NOON.date())).tokens == 9 * 10**9


async def test_an_answer_does_not_fail_for_the_usage_write_of_its_key(
    town: Town, caplog: pytest.LogCaptureFixture
) -> None:
    class Full(MemoryUsers):
        async def spend_by_key(self, *_: object) -> None:
            raise StoreFailed

    principal = await principal_with(town)
    await KeyLimits(Full(), town.rates).spend(principal, 5)
    assert "what key key used" in caplog.text
