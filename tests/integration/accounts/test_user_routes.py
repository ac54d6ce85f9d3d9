"""Accounts over real databases: what lies in them, what they refuse, what is left of whom."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, Text, cast, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from auth.passwords import Argon2Hasher
from chat.accounts.errors import TooManyAttempts, WrongPassword
from chat.accounts.models import LOCAL, AccountRole, AccountUsage, SignedIn, User, utc_now
from chat.accounts.service import Accounts
from chat.conversations.models import PresetText
from chat.errors import StoreFailed
from store import FILE_NAME, RoutingStore, open_store
from store.engines import postgres_engine, sqlite_engine
from store.schema.base import Base
from tests.contract.stores import ask_and_answer
from tests.migrated import migrated

HOME = "192.0.2.1"
PASSWORD = "correct horse 电池"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str | None:
    """None for SQLite, as in the settings."""
    if request.param == "sqlite":
        migrated(tmp_path)
        return None
    url: str = request.getfixturevalue("migrated_postgres_url")
    return url


@pytest.fixture
async def store(tmp_path: Path, database_url: str | None) -> AsyncIterator[RoutingStore]:
    store = open_store(tmp_path, database_url)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
def engine(tmp_path: Path, store: RoutingStore, database_url: str | None) -> Iterator[Engine]:
    """An engine beside the store's own."""
    engine = postgres_engine(database_url) if database_url else sqlite_engine(tmp_path / FILE_NAME)
    yield engine
    engine.dispose()


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    hasher = Argon2Hasher(memory_kib=64)
    yield hasher
    hasher.close()


@pytest.fixture
def accounts(store: RoutingStore, hasher: Argon2Hasher) -> Accounts:
    return Accounts(store.accounts, hasher)


async def accept(accounts: Accounts, token: str | None, name: str) -> str:
    assert token
    return await accounts.one_time_links.accept(
        token, name=name, password=PASSWORD, address=HOME, device="Firefox"
    )


async def session_of(accounts: Accounts, token: str) -> SignedIn:
    found = await accounts.sessions.find(token)
    assert found
    return found


@pytest.fixture
async def ann(accounts: Accounts) -> User:
    token = await accept(accounts, await accounts.one_time_links.set_up(), "Ann")
    return (await session_of(accounts, token)).user


def tables_with(engine: Engine, words: str) -> set[str]:
    """In which tables some column of some row holds these words."""
    found = set()
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for column in table.columns:
                holds = func.lower(cast(column, Text)).contains(words.lower(), autoescape=True)
                if connection.scalar(select(func.count()).select_from(table).where(holds)):
                    found.add(table.name)
    return found


async def test_an_account_passes_through_its_life_cycle(accounts: Accounts, ann: User) -> None:
    bob = await session_of(
        accounts,
        await accept(
            accounts, await accounts.one_time_links.invite(ann, AccountRole.MEMBER), "Bob"
        ),
    )
    token = await accounts.passwords.sign_in("bob", PASSWORD, address=HOME, device="Phone")
    await accounts.passwords.change(bob, PASSWORD, "another password")
    assert await accounts.sessions.find(token) is None
    with pytest.raises(WrongPassword):
        await accounts.passwords.sign_in("Bob", PASSWORD, address=HOME, device="Phone")
    link = await accounts.one_time_links.reset(ann, bob.user.id)
    await accept(accounts, link, "")
    assert await accounts.passwords.sign_in("Bob", PASSWORD, address=HOME, device="Phone")
    await accounts.users.disable(ann, bob.user.id)
    with pytest.raises(WrongPassword):
        await accounts.passwords.sign_in("Bob", PASSWORD, address=HOME, device="Phone")
    assert await accounts.users.delete(ann, bob.user.id) == 1
    assert [user.name for user in await accounts.users.list(ann)] == ["Ann"]
    actions = [entry.action for entry in await accounts.users.audit_entries(ann)]
    assert actions[:4] == ["delete", "disable", "sign-in", "sign-in"]


async def test_accounts_survive_a_restart(
    accounts: Accounts, ann: User, store: RoutingStore, tmp_path: Path, database_url: str | None
) -> None:
    token = await accounts.passwords.sign_in("Ann", PASSWORD, address=HOME, device="Phone")
    await store.close()
    again = open_store(tmp_path, database_url)
    await again.open()
    hasher = Argon2Hasher(memory_kib=64)
    restarted = Accounts(again.accounts, hasher)
    assert await restarted.one_time_links.set_up() is None
    assert (await session_of(restarted, token)).user == ann
    hasher.close()
    await again.close()


async def test_a_command_works_while_the_app_runs(
    accounts: Accounts,
    ann: User,
    hasher: Argon2Hasher,
    tmp_path: Path,
    database_url: str | None,
) -> None:
    token = await accounts.passwords.sign_in("Ann", PASSWORD, address=HOME, device="Phone")
    command = open_store(tmp_path, database_url, beside=True)
    await command.open()
    invite = await Accounts(command.accounts, hasher).one_time_links.invite(
        LOCAL, AccountRole.MEMBER
    )
    await command.close()
    await accept(accounts, invite, "Bob")
    assert await accounts.sessions.find(token)


async def test_a_command_may_come_before_the_first_start(
    hasher: Argon2Hasher, tmp_path: Path
) -> None:
    command = open_store(tmp_path / "data", beside=True)
    await command.open()
    invite = await Accounts(command.accounts, hasher).one_time_links.invite(
        LOCAL, AccountRole.ADMIN
    )
    await command.close()
    store = open_store(tmp_path / "data")
    await store.open()
    assert await accept(Accounts(store.accounts, hasher), invite, "Ann")
    await store.close()


async def test_no_secret_is_in_the_database(accounts: Accounts, ann: User, engine: Engine) -> None:
    session = await accounts.passwords.sign_in("Ann", PASSWORD, address=HOME, device="Firefox")
    invite = await accounts.one_time_links.invite(ann, AccountRole.MEMBER)
    _, link = await accounts.guests.add_link(
        ann,
        label="users' day",
        days=7,
        max_guests=5,
        max_messages=20,
        max_tokens=10_000,
        preset_id=None,
    )
    for secret in (session, invite, link, PASSWORD):
        assert tables_with(engine, secret) == set()
    assert tables_with(engine, "users' day") == {"guest_links"}
    assert tables_with(engine, "$argon2id$") == {"people"}


async def test_only_the_log_has_the_id_of_a_deleted_user(
    accounts: Accounts, ann: User, store: RoutingStore, engine: Engine
) -> None:
    token = await accept(
        accounts, await accounts.one_time_links.invite(ann, AccountRole.MEMBER), "Bobolink"
    )
    bob = (await session_of(accounts, token)).user
    turn = await ask_and_answer(store, user_id=bob.id, question="About heather", title="Heather")
    preset = await store.add_preset(bob.id, PresetText("Mine"))
    await store.share_preset(bob.id, preset.ref.id, True)
    await store.accounts.spend(bob.id, utc_now().date(), AccountUsage(1, 20))
    await accounts.one_time_links.reset(ann, bob.id)
    before = tables_with(engine, bob.id)
    assert before > {"audit", "people", "sessions", "passes", "spending", "messages", "presets"}
    await accounts.users.delete_own(bob, PASSWORD)
    assert tables_with(engine, bob.id) == {"audit"}
    for words in ("Bobolink", "heather", turn.conversation.id, preset.ref.id):
        assert tables_with(engine, words) == set()
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM message_words")) == 0


def everything_in(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir()).lower()


async def test_the_database_file_has_no_text_of_a_deleted_user(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    await store.open()
    hasher = Argon2Hasher(memory_kib=64)
    accounts = Accounts(store.accounts, hasher)
    ann = await session_of(
        accounts, await accept(accounts, await accounts.one_time_links.set_up(), "Ann")
    )
    token = await accept(
        accounts, await accounts.one_time_links.invite(ann.user, AccountRole.MEMBER), "Bobolink"
    )
    bob = await session_of(accounts, token)
    for word in ("heatherbell", "cornflower"):
        user = bob.user.id if word == "heatherbell" else ann.user.id
        for _ in range(20):
            await ask_and_answer(store, user_id=user, question=f"About {word}", title=f"A {word}")
    await accounts.users.delete_own(bob.user, PASSWORD)
    assert len(await store.search(ann.user.id, "cornflower")) == 20
    hasher.close()
    await store.close()
    there = everything_in(tmp_path)
    assert b"cornflower" in there
    assert b"heatherbell" not in there
    assert b"bobolink" not in there


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE audit SET actor = 'somebody else'",
        "DELETE FROM audit",
        "DELETE FROM audit WHERE action = 'join'",
    ],
)
async def test_the_database_refuses_to_change_the_log(
    accounts: Accounts, ann: User, engine: Engine, change: str
) -> None:
    before = list(await accounts.users.audit_entries(ann))
    with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
        connection.execute(text(change))
    assert list(await accounts.users.audit_entries(ann)) == before != []


@pytest.mark.postgres
async def test_postgres_refuses_to_empty_the_log(tmp_path: Path, postgres_url: str) -> None:
    store = open_store(tmp_path, postgres_url)
    await store.open()
    engine = postgres_engine(postgres_url)
    with pytest.raises(SQLAlchemyError, match="append-only"), engine.begin() as connection:
        connection.execute(text("TRUNCATE audit"))
    engine.dispose()
    await store.close()


async def test_a_change_and_its_audit_entry_are_written_together(
    accounts: Accounts, ann: User, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    with pytest.raises(StoreFailed):
        await accounts.one_time_links.invite(ann, AccountRole.MEMBER)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM passes")) == 0


async def test_many_concurrent_guests_do_not_block_each_other(
    accounts: Accounts, ann: User, store: RoutingStore
) -> None:
    _, token = await accounts.guests.add_link(
        ann,
        label="users' day",
        days=7,
        max_guests=5,
        max_messages=20,
        max_tokens=10_000,
        preset_id=None,
    )
    day = utc_now().date()

    async def visit(number: int) -> int:
        entered = await accounts.guests.enter(
            token, f"Guest {number}", address=HOME, device="Phone"
        )
        guest = await session_of(accounts, entered)
        await asyncio.gather(
            *(store.accounts.spend(guest.user.id, day, AccountUsage(1, 5)) for _ in "1234")
        )
        return await accounts.users.delete_own(guest.user)

    ends = await asyncio.gather(*(visit(number) for number in range(8)), return_exceptions=True)
    assert sorted(str(end) for end in ends if isinstance(end, int)) == ["3"] * 5
    [used] = await accounts.guests.links(ann)
    assert (used.guests, used.messages, used.tokens) == (5, 20, 100)
    assert [user.id for user in await accounts.users.list(ann)] == [ann.id]


async def test_brute_force_is_stopped_before_the_hash(accounts: Accounts, ann: User) -> None:
    guesses = (
        accounts.passwords.sign_in("Ann", f"guess number {n}", address="192.0.2.9", device="")
        for n in range(60)
    )
    ends = await asyncio.gather(*guesses, return_exceptions=True)
    kinds = [type(end) for end in ends]
    assert kinds.count(WrongPassword) == 15
    assert kinds.count(TooManyAttempts) == 45
    assert await accounts.passwords.sign_in("Ann", PASSWORD, address=HOME, device="")


async def test_a_change_by_another_process_takes_hold_within_five_seconds(
    accounts: Accounts, ann: User, store: RoutingStore, hasher: Argon2Hasher
) -> None:
    now, later_s = utc_now(), [0.0]
    here = Accounts(
        store.accounts,
        hasher,
        lambda: now + timedelta(seconds=later_s[0]),
        timer=lambda: later_s[0],
    )
    token = await accounts.passwords.sign_in("Ann", PASSWORD, address=HOME, device="Phone")
    assert await here.sessions.find(token)
    await accounts.sessions.end_all((await session_of(accounts, token)).user)
    later_s[0] = 5.0
    assert await here.sessions.find(token) is None
