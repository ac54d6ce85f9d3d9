"""Signing in, links, sessions, guests and administration, over a store in memory."""

import asyncio
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest

from chat.accounts.errors import (
    BadName,
    BadPassword,
    LastAdmin,
    LinkFull,
    NameTaken,
    TooManyAttempts,
    WrongPassword,
)
from chat.accounts.login_throttle import MOST_KEYS, LoginThrottle
from chat.accounts.models import (
    LOCAL,
    AccountRole,
    Action,
    AuditEntry,
    GuestLink,
    Session,
    SignedIn,
    User,
)
from chat.accounts.service import Accounts
from chat.errors import BadRequest, InvalidSetting, NotFound
from tests.memory_users import MemoryUsers, OpenHasher

HOME, OFFICE, CAFE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
RIGHT, WRONG = "right password", "wrong password"


@dataclass
class Clock:
    """A clock that moves only by `advance`."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **spans: float) -> None:
        self.now += timedelta(**spans)
        self.seconds += timedelta(**spans).total_seconds()

    def timer(self) -> float:
        """The same span in seconds, as `time.monotonic` counts it."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryUsers:
    return MemoryUsers()


@pytest.fixture
def hasher() -> OpenHasher:
    return OpenHasher()


@pytest.fixture
def accounts(store: MemoryUsers, hasher: OpenHasher, clock: Clock) -> Accounts:
    return Accounts(store, hasher, clock, timer=clock.timer)


@pytest.fixture
async def ann(accounts: Accounts) -> SignedIn:
    """The administrator, at home."""
    token = await accounts.one_time_links.set_up()
    assert token
    return await session_of(accounts, await accept(accounts, token, "Ann"))


@pytest.fixture
async def bob(accounts: Accounts, ann: SignedIn) -> SignedIn:
    """A member, at home."""
    invite = await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER)
    return await session_of(accounts, await accept(accounts, invite, "Bob"))


async def accept(accounts: Accounts, token: str, name: str, password: str = RIGHT) -> str:
    return await accounts.one_time_links.accept(
        token, name=name, password=password, address=HOME, device="Firefox"
    )


async def sign_in(
    accounts: Accounts, name: str = "Ann", password: str = RIGHT, address: str = HOME
) -> str:
    return await accounts.passwords.sign_in(name, password, address=address, device="Firefox")


async def session_of(accounts: Accounts, token: str) -> SignedIn:
    found = await accounts.sessions.find(token)
    assert found
    return found


async def fail(accounts: Accounts, times: int, *, name: str = "Ann", address: str = HOME) -> None:
    for _ in range(times):
        with pytest.raises(WrongPassword):
            await sign_in(accounts, name, WRONG, address)


# --- set-up and one-time links ----------------------------------------------------------------


async def test_the_set_up_link_makes_the_first_administrator_and_then_there_is_none(
    accounts: Accounts, ann: SignedIn
) -> None:
    assert (ann.user.name, ann.user.role) == ("Ann", AccountRole.ADMIN)
    assert await accounts.one_time_links.set_up() is None


async def test_a_new_set_up_link_replaces_the_previous_one(accounts: Accounts) -> None:
    old, new = await accounts.one_time_links.set_up(), await accounts.one_time_links.set_up()
    assert old
    assert new
    with pytest.raises(NotFound):
        await accept(accounts, old, "Eve")
    assert await accept(accounts, new, "Ann")


async def test_a_set_up_link_is_valid_for_a_day(accounts: Accounts, clock: Clock) -> None:
    token = await accounts.one_time_links.set_up()
    assert token
    clock.advance(hours=24)
    with pytest.raises(NotFound):
        await accept(accounts, token, "Ann")


async def test_a_set_up_link_is_invalid_once_there_is_an_account(
    accounts: Accounts, store: MemoryUsers, clock: Clock
) -> None:
    token = await accounts.one_time_links.set_up()
    assert token
    await store.add_user(
        User("ann", "Ann", AccountRole.ADMIN, clock()), "hash", AuditEntry(clock(), "", Action.JOIN)
    )
    with pytest.raises(NotFound):
        await accept(accounts, token, "Eve")


async def test_an_invitation_is_valid_once_and_for_a_week(
    accounts: Accounts, ann: SignedIn, clock: Clock
) -> None:
    token = await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER)
    assert (await accounts.one_time_links.check(token)).role is AccountRole.MEMBER
    bob = await session_of(accounts, await accept(accounts, token, "Bob"))
    assert (bob.user.name, bob.user.role) == ("Bob", AccountRole.MEMBER)
    late = await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER)
    clock.advance(days=7)
    for dead in (token, late, "made up", ""):
        with pytest.raises(NotFound):
            await accounts.one_time_links.check(dead)
        with pytest.raises(NotFound):
            await accept(accounts, dead, "Cy")


async def test_an_invitation_used_by_two_at_once_makes_one_account(
    accounts: Accounts, ann: SignedIn
) -> None:
    token = await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER)
    ends = await asyncio.gather(
        *(accept(accounts, token, name) for name in ("Bob", "Cy")), return_exceptions=True
    )
    assert [type(end) for end in ends] == [str, NotFound]
    assert len(await accounts.users.list(ann.user)) == 2


@pytest.mark.parametrize(
    ("name", "password", "error"),
    [
        ("", RIGHT, BadName),
        ("  ", RIGHT, BadName),
        ("x" * 61, RIGHT, BadName),
        ("line\nbreak", RIGHT, BadName),
        ("left\u202eright", RIGHT, BadName),
        ("zero\u200bwidth", RIGHT, BadName),
        ("half\ud800", RIGHT, BadName),
        ("nul\0", RIGHT, BadName),
        (" ａＮＮ ", RIGHT, NameTaken),
        ("Bob", "x" * 9, BadPassword),
        ("Bob", "x" * 129, BadPassword),
        ("Robert Tables", "ｒobert tables", BadPassword),
        ("Bob", "half a pair \ud800", BadPassword),
    ],
)
async def test_a_refused_sign_up_does_not_use_the_invitation(
    accounts: Accounts, ann: SignedIn, name: str, password: str, error: type[Exception]
) -> None:
    token = await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER)
    with pytest.raises(error):
        await accept(accounts, token, name, password)
    assert await accept(accounts, token, "Bob")


@pytest.mark.parametrize("name", ["x", "x" * 60, "张伟", "  Ann   Lee ", "🦊"])
@pytest.mark.parametrize("password", ["x" * 10, "y" * 128, "密码密码密码密码密码"])
async def test_names_and_passwords_of_every_language_are_accepted(
    accounts: Accounts, name: str, password: str
) -> None:
    token = await accounts.one_time_links.set_up()
    assert token
    await accept(accounts, token, name, password)
    created = await session_of(accounts, await sign_in(accounts, name, password))
    assert created.user.name == " ".join(name.split())


async def test_a_reset_link_gives_a_new_password_and_ends_every_session(
    accounts: Accounts, ann: SignedIn, bob: SignedIn, clock: Clock
) -> None:
    old = await sign_in(accounts, "Bob")
    assert await session_of(accounts, old)
    link = await accounts.one_time_links.reset(ann.user, bob.user.id)
    new = await accept(accounts, link, "ignored", "another password")
    assert await accounts.sessions.find(old) is None
    assert (await session_of(accounts, new)).user == bob.user
    await fail(accounts, 1, name="Bob")
    with pytest.raises(WrongPassword):
        await sign_in(accounts, "Bob", RIGHT)
    assert await sign_in(accounts, "Bob", "another password")
    late = await accounts.one_time_links.reset(ann.user, bob.user.id)
    clock.advance(hours=24)
    with pytest.raises(NotFound):
        await accept(accounts, late, "", "another password")


# --- signing in -------------------------------------------------------------------------------


async def test_the_right_password_signs_in_however_the_name_is_written(
    accounts: Accounts, ann: SignedIn
) -> None:
    for name in ("Ann", "ann", "ANN", " Ann ", "Ａｎｎ"):
        assert (await session_of(accounts, await sign_in(accounts, name))).user == ann.user


async def test_every_sign_in_has_a_new_token_that_is_not_stored(
    accounts: Accounts, store: MemoryUsers, ann: SignedIn
) -> None:
    first, second = await sign_in(accounts), await sign_in(accounts)
    assert first != second
    assert len(first) >= 43
    stored = repr(store)
    assert first not in stored
    assert second not in stored
    assert (await session_of(accounts, first)).session_id not in (first, second)


async def test_an_unknown_name_costs_as_much_as_a_wrong_password(
    accounts: Accounts, ann: SignedIn, hasher: OpenHasher
) -> None:
    answers = []
    for name in ("Ann", "nobody", "", "x" * 5000, "nul\0", "half\ud800"):
        hasher.compared.clear()
        with pytest.raises(WrongPassword) as refused:
            await sign_in(accounts, name, WRONG)
        answers.append((str(refused.value), refused.value.values))
        assert [password for password, _ in hasher.compared] == [WRONG]
    assert answers == answers[:1] * len(answers)


@pytest.mark.parametrize("password", ["x" * 129, "x" * 1_000_000, "half\ud800"])
async def test_an_impossible_password_costs_no_more_than_a_wrong_one(
    accounts: Accounts, ann: SignedIn, hasher: OpenHasher, password: str
) -> None:
    with pytest.raises(WrongPassword):
        await sign_in(accounts, "Ann", password)
    assert hasher.compared == [("", None)]


async def test_a_password_is_the_same_however_a_keyboard_composes_its_letters(
    accounts: Accounts, ann: SignedIn
) -> None:
    await accounts.passwords.change(ann, RIGHT, "cafe\u0301 au lait")
    assert await sign_in(accounts, "Ann", "caf\u00e9 au lait")


async def test_a_disabled_user_gets_the_same_error_as_a_wrong_password(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    await accounts.users.disable(ann.user, bob.user.id)
    with pytest.raises(WrongPassword):
        await sign_in(accounts, "Bob")
    await accounts.users.enable(ann.user, bob.user.id)
    assert await sign_in(accounts, "Bob")


async def test_a_guest_cannot_sign_in_by_nickname(accounts: Accounts, ann: SignedIn) -> None:
    _, link = await new_link(accounts, ann)
    await enter(accounts, link, "Gil")
    for password in ("", "None", RIGHT):
        with pytest.raises(WrongPassword):
            await sign_in(accounts, "Gil", password)


class SlowHasher(OpenHasher):
    """Compares passwords when the test allows it."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.go_on = asyncio.Event(), asyncio.Event()

    async def matches(self, password: str, password_hash: str | None) -> bool:
        right = await super().matches(password, password_hash)
        self.begun.set()
        await self.go_on.wait()
        return right


async def test_a_password_changed_during_sign_in_is_rejected(
    store: MemoryUsers, clock: Clock, accounts: Accounts, ann: SignedIn
) -> None:
    hasher = SlowHasher()
    slow = Accounts(store, hasher, clock, timer=clock.timer)
    signing_in = asyncio.create_task(sign_in(slow))
    await hasher.begun.wait()
    await accounts.passwords.change(ann, RIGHT, "another password")
    hasher.go_on.set()
    with pytest.raises(WrongPassword):
        await signing_in
    assert [stored.id for stored in await accounts.sessions.of(ann.user)] == [ann.session_id]


# --- brute force ------------------------------------------------------------------------------


async def test_fifteen_failures_block_an_address_for_three_minutes(
    accounts: Accounts, ann: SignedIn, clock: Clock
) -> None:
    for number in range(15):
        await fail(accounts, 1, name=f"name {number}", address=CAFE)
        clock.advance(seconds=1)
    with pytest.raises(TooManyAttempts) as refused:
        await sign_in(accounts, address=CAFE)
    assert refused.value.values == {"retry_after_s": 180 - 15}
    clock.advance(seconds=164)
    with pytest.raises(TooManyAttempts):
        await sign_in(accounts, address=CAFE)
    clock.advance(seconds=1)
    assert await sign_in(accounts, address=CAFE)


async def test_fifteen_failures_from_any_address_block_untrusted_addresses_of_an_account(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    for number in range(15):
        await fail(accounts, 1, address=f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        await sign_in(accounts, address=CAFE)
    assert await sign_in(accounts, "Bob", address=CAFE)


async def test_a_name_is_one_account_however_it_is_written(
    accounts: Accounts, ann: SignedIn
) -> None:
    for number in range(15):
        name = ("Ann", "ANN", " ann  ", "ａｎｎ")[number % 4]
        await fail(accounts, 1, name=name, address=f"198.51.100.{number}")
    with pytest.raises(TooManyAttempts):
        await sign_in(accounts, address=CAFE)


async def test_failures_from_elsewhere_never_block_the_owner(
    accounts: Accounts, ann: SignedIn
) -> None:
    open_session = await sign_in(accounts, address=OFFICE)
    for number in range(15):
        await fail(accounts, 1, address=f"198.51.100.{number}")
    assert await accounts.sessions.find(open_session)
    for address in (HOME, OFFICE):
        assert await sign_in(accounts, address=address)


async def test_one_address_alone_does_not_lock_out_others(
    accounts: Accounts, ann: SignedIn
) -> None:
    await fail(accounts, 15, address=OFFICE)
    with pytest.raises(TooManyAttempts):
        await sign_in(accounts, address=OFFICE)
    assert await sign_in(accounts, address=CAFE)


async def test_a_trusted_address_also_has_fifteen_failures(
    accounts: Accounts, ann: SignedIn
) -> None:
    await fail(accounts, 15, address=HOME)
    with pytest.raises(TooManyAttempts):
        await sign_in(accounts, address=HOME)


async def test_a_thousand_concurrent_guesses_are_limited_to_fifteen(
    accounts: Accounts, ann: SignedIn, hasher: OpenHasher
) -> None:
    guesses = (sign_in(accounts, "Ann", f"guess number {n}", CAFE) for n in range(1000))
    ends = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(isinstance(end, WrongPassword) for end in ends) == 15
    assert sum(isinstance(end, TooManyAttempts) for end in ends) == 985
    assert len(hasher.compared) == 15


async def test_right_passwords_do_not_count_as_failures(accounts: Accounts, ann: SignedIn) -> None:
    for _ in range(40):
        assert await sign_in(accounts, address=CAFE)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2001:db8::1", "2001:db8::ffff:2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.3", CAFE, True),
        ("a socket", "a socket", True),
    ],
)
async def test_an_ipv6_network_counts_as_one_address(
    accounts: Accounts, ann: SignedIn, first: str, second: str, same: bool
) -> None:
    await fail(accounts, 15, address=first)
    if same:
        with pytest.raises(TooManyAttempts):
            await sign_in(accounts, address=second)
    else:
        assert await sign_in(accounts, address=second)


async def test_foreign_guesses_do_not_grow_the_failure_tables_beyond_their_bounds(
    clock: Clock,
) -> None:
    throttle = LoginThrottle(clock.timer)
    for number in range(2 * MOST_KEYS):
        throttle.sign_in(f"name {number}", f"address {number}")
        throttle.remember(f"name {number}", f"address {number}")
    for table in (
        throttle._by_account._recent,
        throttle._by_address._recent,
        throttle._trusted_sources,
    ):
        assert len(table) == MOST_KEYS


async def test_the_password_of_an_open_session_is_throttled_too(
    accounts: Accounts, ann: SignedIn
) -> None:
    for _ in range(15):
        with pytest.raises(WrongPassword):
            await accounts.passwords.change(ann, WRONG, "another password")
    with pytest.raises(TooManyAttempts):
        await accounts.users.delete_own(ann.user, RIGHT)
    assert await sign_in(accounts)


# --- sessions ---------------------------------------------------------------------------------


async def test_a_forged_token_has_no_session(accounts: Accounts, ann: SignedIn) -> None:
    for token in ("", "x", "\ud800", "x" * 100_000):
        assert await accounts.sessions.find(token) is None


async def test_a_session_that_is_used_lasts_sixty_days(
    accounts: Accounts, ann: SignedIn, clock: Clock
) -> None:
    token = await sign_in(accounts)
    for _ in range(59):
        clock.advance(days=1)
        assert await accounts.sessions.find(token)
    clock.advance(days=1)
    assert await accounts.sessions.find(token) is None


async def test_a_session_that_is_not_used_lasts_fourteen_days(
    accounts: Accounts, ann: SignedIn, clock: Clock
) -> None:
    token = await sign_in(accounts)
    clock.advance(days=14, seconds=-1)
    assert await accounts.sessions.find(token)
    clock.advance(days=14)
    assert await accounts.sessions.find(token) is None
    assert await accounts.sessions.of(ann.user) == []


async def test_session_lifetimes_are_configurable(store: MemoryUsers, clock: Clock) -> None:
    day, week = timedelta(days=1), timedelta(days=7)
    accounts = Accounts(store, OpenHasher(), clock, idle=day, absolute=week, timer=clock.timer)
    setup = await accounts.one_time_links.set_up()
    assert setup
    token = await accept(accounts, setup, "Ann")
    for _ in range(13):
        clock.advance(hours=12)
        assert await accounts.sessions.find(token)
    clock.advance(hours=12)
    assert await accounts.sessions.find(token) is None


class CountingStore(MemoryUsers):
    """Counts looks and touches, and takes a moment for each, as a database does."""

    looks = 0
    touches = 0

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        self.looks += 1
        await asyncio.sleep(0)
        return await super().session(token_hash)

    async def touch_session(self, session_id: str, used_at: datetime) -> None:
        self.touches += 1
        await asyncio.sleep(0)
        await super().touch_session(session_id, used_at)


async def test_many_requests_cost_one_query_in_two_seconds_and_one_write_a_minute(
    clock: Clock,
) -> None:
    store = CountingStore()
    accounts = Accounts(store, OpenHasher(), clock, timer=clock.timer)
    setup = await accounts.one_time_links.set_up()
    assert setup
    token = await accept(accounts, setup, "Ann")
    for _ in range(60):
        clock.advance(seconds=2)
        await asyncio.gather(*(accounts.sessions.find(token) for _ in range(20)))
        for _ in range(20):
            await accounts.sessions.find(token)
    assert store.touches == 2
    assert store.looks <= 60 * 20


async def test_a_change_in_another_process_applies_within_five_seconds(
    accounts: Accounts, store: MemoryUsers, ann: SignedIn, bob: SignedIn, clock: Clock
) -> None:
    token = await sign_in(accounts, "Bob")
    assert await accounts.sessions.find(token)
    elsewhere = Accounts(store, OpenHasher(), clock, timer=clock.timer)
    await elsewhere.users.set_role(ann.user, bob.user.id, AccountRole.ADMIN)
    clock.advance(seconds=4)
    assert (await session_of(accounts, token)).user.role is AccountRole.ADMIN
    await elsewhere.users.disable(ann.user, bob.user.id)
    clock.advance(seconds=4)
    assert await accounts.sessions.find(token) is None


async def test_a_change_in_this_process_applies_at_once(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    token = await sign_in(accounts, "Bob")
    assert (await session_of(accounts, token)).user.role is AccountRole.MEMBER
    await accounts.users.set_role(ann.user, bob.user.id, AccountRole.ADMIN)
    assert (await session_of(accounts, token)).user.role is AccountRole.ADMIN
    await accounts.users.disable(ann.user, bob.user.id)
    assert await accounts.sessions.find(token) is None


async def test_a_session_of_a_disabled_user_is_rejected(
    accounts: Accounts, store: MemoryUsers, ann: SignedIn, clock: Clock
) -> None:
    token = await sign_in(accounts)
    store.by_id[ann.user.id] = replace(ann.user, disabled=True)
    clock.advance(seconds=5)
    assert await accounts.sessions.find(token) is None


class LateStore(MemoryUsers):
    """Delays the result of a query until the test allows it."""

    hold: asyncio.Event | None = None

    async def session(self, token_hash: str) -> tuple[Session, User] | None:
        found = await super().session(token_hash)
        if self.hold:
            await self.hold.wait()
        return found


async def test_a_query_started_before_a_change_is_not_cached(
    clock: Clock,
) -> None:
    store = LateStore()
    accounts = Accounts(store, OpenHasher(), clock, timer=clock.timer)
    setup = await accounts.one_time_links.set_up()
    assert setup
    ann = await session_of(accounts, await accept(accounts, setup, "Ann"))
    token = await sign_in(accounts)
    store.hold = asyncio.Event()
    looking = asyncio.create_task(accounts.sessions.find(token))
    await asyncio.sleep(0)
    await accounts.sessions.end_all(ann.user)
    store.hold.set()
    assert await looking
    assert await accounts.sessions.find(token) is None


async def test_a_cached_session_expires_from_the_time_of_the_query(clock: Clock) -> None:
    store = LateStore()
    accounts = Accounts(store, OpenHasher(), clock, timer=clock.timer)
    setup = await accounts.one_time_links.set_up()
    assert setup
    ann = await session_of(accounts, await accept(accounts, setup, "Ann"))
    token = await sign_in(accounts)
    store.hold = asyncio.Event()
    looking = asyncio.create_task(accounts.sessions.find(token))
    await asyncio.sleep(0)
    clock.advance(seconds=3)  # the disk is busy
    store.hold.set()
    assert await looking
    store.by_id[ann.user.id] = replace(ann.user, disabled=True)
    assert await accounts.sessions.find(token) is None


async def test_a_clock_set_back_keeps_no_cache_and_no_block(
    accounts: Accounts, store: MemoryUsers, ann: SignedIn, clock: Clock
) -> None:
    token = await sign_in(accounts)
    assert await accounts.sessions.find(token)
    await fail(accounts, 15)
    clock.advance(minutes=3)
    clock.now -= timedelta(hours=1)
    store.by_id[ann.user.id] = replace(ann.user, disabled=True)
    assert await accounts.sessions.find(token) is None
    store.by_id[ann.user.id] = ann.user
    assert await sign_in(accounts)


async def test_signing_out_ends_this_session_and_no_other(
    accounts: Accounts, ann: SignedIn
) -> None:
    token = await sign_in(accounts)
    await accounts.sessions.sign_out(token)
    await accounts.sessions.sign_out(token)
    await accounts.sessions.sign_out("made up")
    assert await accounts.sessions.find(token) is None
    assert [stored.id for stored in await accounts.sessions.of(ann.user)] == [ann.session_id]


async def test_signing_out_everywhere_ends_this_session_too(
    accounts: Accounts, ann: SignedIn
) -> None:
    token = await sign_in(accounts)
    await accounts.sessions.end_all(ann.user)
    assert await accounts.sessions.find(token) is None
    assert await accounts.sessions.of(ann.user) == []


async def test_a_users_sessions_are_listed_with_devices_and_ended_one_by_one(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    token = await accounts.passwords.sign_in(
        "Ann", RIGHT, address=CAFE, device="Phone\x1b[2J" + "x" * 999
    )
    there = await session_of(accounts, token)
    devices = {stored.id: stored.device for stored in await accounts.sessions.of(ann.user)}
    assert devices.keys() == {ann.session_id, there.session_id}
    assert devices[there.session_id].startswith("Phone[2J")
    assert len(devices[there.session_id]) <= 200
    with pytest.raises(NotFound):
        await accounts.sessions.end(bob.user, there.session_id)
    await accounts.sessions.end(ann.user, there.session_id)
    assert await accounts.sessions.find(token) is None


async def test_a_new_password_ends_the_other_sessions(accounts: Accounts, ann: SignedIn) -> None:
    token = await sign_in(accounts)
    with pytest.raises(WrongPassword):
        await accounts.passwords.change(ann, WRONG, "another password")
    with pytest.raises(BadPassword):
        await accounts.passwords.change(ann, RIGHT, "short")
    assert await accounts.sessions.find(token)
    await accounts.passwords.change(ann, RIGHT, "another password")
    assert await accounts.sessions.find(token) is None
    assert [stored.id for stored in await accounts.sessions.of(ann.user)] == [ann.session_id]


# --- administration ---------------------------------------------------------------------------


async def test_administration_is_not_found_for_other_users(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    _, link = await new_link(accounts, ann)
    gil = await enter(accounts, link, "Gil")
    for user in (bob.user, gil.user):
        for call in (
            accounts.users.list(user),
            accounts.one_time_links.invite(user, AccountRole.ADMIN),
            accounts.one_time_links.reset(user, ann.user.id),
            accounts.users.set_role(user, user.id, AccountRole.ADMIN),
            accounts.users.disable(user, ann.user.id),
            accounts.users.enable(user, ann.user.id),
            accounts.users.delete(user, ann.user.id),
            accounts.users.audit_entries(user),
        ):
            with pytest.raises(NotFound):
                await call
    assert len(await accounts.users.list(ann.user)) == 3


async def test_the_last_administrator_cannot_lose_the_role(
    accounts: Accounts, ann: SignedIn
) -> None:
    for call in (
        accounts.users.set_role(ann.user, ann.user.id, AccountRole.MEMBER),
        accounts.users.disable(ann.user, ann.user.id),
        accounts.users.delete(ann.user, ann.user.id),
        accounts.users.delete_own(ann.user, RIGHT),
    ):
        with pytest.raises(LastAdmin):
            await call
    token = await accounts.one_time_links.invite(ann.user, AccountRole.ADMIN)
    await accept(accounts, token, "Bob")
    assert (
        await accounts.users.set_role(ann.user, ann.user.id, AccountRole.MEMBER)
    ).role is AccountRole.MEMBER


async def test_a_guest_gets_no_other_role_no_password_and_no_invitation(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    _, link = await new_link(accounts, ann)
    gil = await enter(accounts, link, "Gil")
    for call in (
        accounts.one_time_links.invite(ann.user, AccountRole.GUEST),
        accounts.users.set_role(ann.user, bob.user.id, AccountRole.GUEST),
        accounts.users.set_role(ann.user, gil.user.id, AccountRole.ADMIN),
        accounts.one_time_links.reset(ann.user, gil.user.id),
    ):
        with pytest.raises(BadRequest):
            await call


async def test_the_operator_may_do_what_administrators_may(
    accounts: Accounts, ann: SignedIn
) -> None:
    token = await accounts.one_time_links.invite(LOCAL, AccountRole.MEMBER)
    await accept(accounts, token, "Bob")
    assert [user.name for user in await accounts.users.list(LOCAL)] == ["Ann", "Bob"]


async def test_the_log_names_actor_action_and_target_by_id_only(
    accounts: Accounts, ann: SignedIn, bob: SignedIn, clock: Clock
) -> None:
    clock.advance(seconds=1)
    await accounts.users.disable(ann.user, bob.user.id)
    newest, *earlier = await accounts.users.audit_entries(ann.user)
    assert newest == AuditEntry(clock(), ann.user.id, Action.DISABLE, bob.user.id)
    assert [entry.action for entry in await accounts.users.audit_entries(ann.user, clock(), 2)] == [
        Action.SIGN_IN,
        Action.JOIN,
    ]
    log_text = repr([newest, *earlier])
    for word in ("Ann", "Bob", RIGHT, HOME):
        assert word not in log_text


async def test_deleting_the_own_account_needs_the_password_and_leaves_no_rows(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    token = await sign_in(accounts, "Bob")
    with pytest.raises(WrongPassword):
        await accounts.users.delete_own(bob.user, WRONG)
    assert await accounts.users.delete_own(bob.user, RIGHT) == 3  # himself and two sessions
    assert await accounts.sessions.find(token) is None
    with pytest.raises(WrongPassword):
        await sign_in(accounts, "Bob")
    with pytest.raises(NotFound):
        await accounts.users.delete(ann.user, bob.user.id)


# --- guests -----------------------------------------------------------------------------------


async def new_link(
    accounts: Accounts, signed_in: SignedIn, *, days: int = 7, guests: int = 5
) -> tuple[GuestLink, str]:
    return await accounts.guests.add_link(
        signed_in.user,
        label="users' day",
        days=days,
        max_guests=guests,
        max_messages=20,
        max_tokens=10_000,
        preset_id="maths.en",
    )


async def enter(accounts: Accounts, token: str, nickname: str) -> SignedIn:
    entered = await accounts.guests.enter(token, nickname, address=CAFE, device="Phone")
    return await session_of(accounts, entered)


async def test_a_guest_needs_a_nickname_only(accounts: Accounts, bob: SignedIn) -> None:
    link, token = await new_link(accounts, bob)
    assert await accounts.guests.check_link(token) == link
    gil = await enter(accounts, token, " Gil ")
    assert (gil.user.name, gil.user.role) == ("Gil", AccountRole.GUEST)
    assert gil.user.guest_link_id == link.id
    with pytest.raises(BadName):
        await enter(accounts, token, "")


async def test_two_concurrent_guests_for_the_last_place_become_one(
    accounts: Accounts, bob: SignedIn
) -> None:
    _, token = await new_link(accounts, bob, guests=1)
    ends = await asyncio.gather(
        *(enter(accounts, token, name) for name in ("Gil", "Hal")), return_exceptions=True
    )
    assert [type(end) for end in ends] == [SignedIn, LinkFull]
    assert [link.guests for link in await accounts.guests.links(bob.user)] == [1]


async def test_a_guests_session_ends_with_the_link(
    accounts: Accounts, bob: SignedIn, clock: Clock
) -> None:
    _, token = await new_link(accounts, bob, days=1)
    entered = await accounts.guests.enter(token, "Gil", address=CAFE, device="Phone")
    clock.advance(hours=24, seconds=-1)
    assert await accounts.sessions.find(entered)
    clock.advance(seconds=3)
    assert await accounts.sessions.find(entered) is None
    for call in (accounts.guests.check_link(token), enter(accounts, token, "Hal")):
        with pytest.raises(NotFound):
            await call


async def test_a_revoked_link_rejects_new_guests_and_signs_out_existing_ones(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    link, token = await new_link(accounts, bob)
    entered = await accounts.guests.enter(token, "Gil", address=CAFE, device="Phone")
    assert await accounts.sessions.find(entered)
    await accounts.guests.revoke_link(ann.user, link.id)
    assert await accounts.sessions.find(entered) is None
    for call in (accounts.guests.check_link(token), enter(accounts, token, "Hal")):
        with pytest.raises(NotFound):
            await call


async def test_members_see_and_revoke_their_own_links_and_guests_none(
    accounts: Accounts, ann: SignedIn, bob: SignedIn
) -> None:
    anns, token = await new_link(accounts, ann)
    bobs, _ = await new_link(accounts, bob)
    gil = await enter(accounts, token, "Gil")
    assert [link.id for link in await accounts.guests.links(bob.user)] == [bobs.id]
    assert {link.id for link in await accounts.guests.links(ann.user)} == {anns.id, bobs.id}
    for call in (
        accounts.guests.revoke_link(bob.user, anns.id),
        accounts.guests.revoke_link(bob.user, "made up"),
        accounts.guests.revoke_link(gil.user, anns.id),
        accounts.guests.links(gil.user),
        new_link(accounts, gil),
    ):
        with pytest.raises(NotFound):
            await call


@pytest.mark.parametrize(("days", "guests"), [(0, 5), (366, 5), (7, 0), (7, 1001)])
async def test_the_numbers_of_a_link_have_bounds(
    accounts: Accounts, bob: SignedIn, days: int, guests: int
) -> None:
    with pytest.raises(InvalidSetting):
        await new_link(accounts, bob, days=days, guests=guests)


async def test_a_guest_deletes_their_data_without_a_password(
    accounts: Accounts, bob: SignedIn
) -> None:
    _, token = await new_link(accounts, bob)
    gil = await enter(accounts, token, "Gil")
    assert await accounts.users.delete_own(gil.user) == 2
    assert await accounts.sessions.of(gil.user) == []
