"""Signing in, one-time links, sessions and guests, over a store in memory and a clock of our own."""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from chat.accounts import Accounts
from chat.errors import (
    BadName,
    BadPassword,
    BadRequest,
    InvalidSetting,
    LastAdmin,
    LinkFull,
    NameTaken,
    NotFound,
    TooManyAttempts,
    WrongPassword,
)
from chat.people import Action, GuestLink, Person, Rank, SignedIn
from tests.memory_people import MemoryPeople, OpenHasher

HOME, OFFICE, CAFE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
RIGHT, WRONG = "right password", "wrong password"


@dataclass
class Clock:
    """Stands still until it is told to go on."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **time: float) -> None:
        self.now += timedelta(**time)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> MemoryPeople:
    return MemoryPeople()


@pytest.fixture
def hasher() -> OpenHasher:
    return OpenHasher()


@pytest.fixture
def accounts(store: MemoryPeople, hasher: OpenHasher, clock: Clock) -> Accounts:
    return Accounts(store, hasher, clock)


@pytest.fixture
async def ann(accounts: Accounts) -> SignedIn:
    """The administrator, at home."""
    token = await accounts.setup_token()
    assert token
    return await who(accounts, await accept(accounts, token, "Ann"))


@pytest.fixture
async def bob(accounts: Accounts, ann: SignedIn) -> SignedIn:
    """A member, at home."""
    invite = await accounts.invite(ann.person, Rank.MEMBER)
    return await who(accounts, await accept(accounts, invite, "Bob"))


async def accept(accounts: Accounts, token: str, name: str, password: str = RIGHT) -> str:
    return await accounts.accept_pass(
        token, name=name, password=password, address=HOME, device="Firefox"
    )


async def sign_in(
    accounts: Accounts, name: str = "Ann", password: str = RIGHT, address: str = HOME
) -> str:
    return await accounts.sign_in(name, password, address=address, device="Firefox")


async def who(accounts: Accounts, token: str) -> SignedIn:
    found = await accounts.signed_in(token)
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
    assert (ann.person.name, ann.person.rank) == ("Ann", Rank.ADMIN)
    assert await accounts.setup_token() is None


async def test_a_new_set_up_link_kills_the_one_before(accounts: Accounts) -> None:
    old, new = await accounts.setup_token(), await accounts.setup_token()
    assert old
    assert new
    with pytest.raises(NotFound):
        await accept(accounts, old, "Eve")
    assert await accept(accounts, new, "Ann")


async def test_a_set_up_link_is_good_for_a_day(accounts: Accounts, clock: Clock) -> None:
    token = await accounts.setup_token()
    assert token
    clock.pass_by(hours=24)
    with pytest.raises(NotFound):
        await accept(accounts, token, "Ann")
