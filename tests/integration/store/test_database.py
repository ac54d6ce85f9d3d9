"""What only real databases can show: schema, threads, cancellation, files that cannot be used."""

import asyncio
import os
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, Engine, event, inspect, text

from chat.conversations.models import AnswerRecord, Question, Turn
from chat.errors import NotFound, StartupError, StoreFailed
from chat.models import ChatOptions, Sampling, Status
from store import RoutingStore, open_store
from store.engines import postgres_engine, sqlite_engine
from store.lock import CHECK_EVERY_S, LOCK_NAME
from store.migrate import upgrade
from store.routing import FILE_NAME
from store.schema.base import Base
from store.search_index import TABLE

ROOT = Path(__file__).parents[3]
NOBODY = 65534
SECRET = "pa55word"


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for SQLite, as in the settings."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    """An engine beside the store's own, on the same empty database."""
    engine = postgres_engine(database_url) if database_url else sqlite_engine(tmp_path / FILE_NAME)
    yield engine
    engine.dispose()


async def ask(store: RoutingStore, request_id: str = "r1", user_id: str = "ann") -> Turn:
    return await store.add_turn(
        user_id,
        conversation_id=None,
        question=Question("Hi", request_id, title="Hi"),
        options=ChatOptions(),
    )


async def opened(data_dir: Path, database_url: str | None = None) -> RoutingStore:
    store = open_store(data_dir, database_url)
    await store.open()
    return store


def test_making_a_store_touches_nothing(tmp_path: Path) -> None:
    open_store(tmp_path / "data")
    open_store(tmp_path / "data", f"postgresql://ann:{SECRET}@database.invalid/chat")
    assert list(tmp_path.iterdir()) == []


# --- the schema -------------------------------------------------------------------------------


def is_mapped(name: str | None, kind: str, _parents: object) -> bool:
    """The index of words is no table of the mapper's: each database has one of its own kind."""
    return kind != "table" or not (name or "").startswith(TABLE)


def test_the_migrations_make_the_schema_that_the_code_has(engine: Engine) -> None:
    upgrade(engine)
    with engine.connect() as connection:
        options = {"compare_type": True, "include_name": is_mapped}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []


async def test_an_existing_database_keeps_its_conversations(
    tmp_path: Path, database_url: str | None
) -> None:
    first = await opened(tmp_path, database_url)
    turn = await ask(first)
    await first.close()
    second = await opened(tmp_path, database_url)
    assert list(await second.path("ann", turn.conversation.id)) == [turn.question, turn.answer]
    await second.close()


@pytest.mark.postgres
async def test_of_stores_that_open_at_once_one_has_the_database(
    tmp_path: Path, postgres_url: str
) -> None:
    stores = [open_store(tmp_path, postgres_url) for _ in range(4)]
    ends = await asyncio.gather(*(store.open() for store in stores), return_exceptions=True)
    assert [type(end) for end in ends if end] == [StartupError] * 3
    await ask(stores[ends.index(None)])
    for store in stores:
        await store.close()


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE messages (id INTEGER)"))
    store = open_store(tmp_path, database_url)
    with pytest.raises(StartupError):
        await store.open()
    await store.close()
    with engine.connect() as connection:
        names = inspect(connection).get_table_names()
    assert names == ["messages"]


async def test_a_database_of_a_newer_app_is_refused(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store = open_store(tmp_path, database_url)
    with pytest.raises(StartupError, match="newer version"):
        await store.open()
    await store.close()


async def test_fields_that_this_version_does_not_know_or_find_are_no_error(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    store = await opened(tmp_path, database_url)
    turn = await ask(store)
    odd = """{"system_prompt": "p", "tomorrow": [1], "sampling": {"seed": 7, "beams": 3}}"""
    with engine.begin() as connection:
        connection.execute(text("UPDATE conversations SET options = :odd"), {"odd": odd})
    options = (await store.conversation("ann", turn.conversation.id)).options
    assert options == ChatOptions("p", Sampling(seed=7))
    await store.close()


def test_sqlite_flushes_each_commit_overwrites_what_goes_and_keeps_foreign_keys(
    tmp_path: Path,
) -> None:
    engine = sqlite_engine(tmp_path / FILE_NAME)
    with engine.connect() as connection:
        settings = [
            connection.scalar(text(f"PRAGMA {name}"))
            for name in (
                "journal_mode",
                "synchronous",
                "secure_delete",
                "foreign_keys",
                "busy_timeout",
            )
        ]
    engine.dispose()
    assert settings == ["wal", 2, 1, 1, 5000]


async def test_what_was_purged_is_no_more_in_the_file(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    for number in range(20):
        question = Question(f"Xyzzy, plugh! {number}" * 100, f"{number}", title="Frobozz: magic")
        turn = await store.add_turn(
            "ann", conversation_id=None, question=question, options=ChatOptions()
        )
        await store.delete("ann", turn.conversation.id)
    assert await store.purge_deleted(turn.question.created_at + timedelta(days=1)) == 20
    await store.close()
    left = (tmp_path / FILE_NAME).read_bytes()
    assert b"Xyzzy, plugh" not in left
    assert b"Frobozz: magic" not in left


async def test_what_was_destroyed_is_not_in_the_log_either_while_the_app_runs(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path)
    for number in range(5):
        question = Question("Xyzzy, plugh!" * 100, f"{number}", title="Frobozz")
        await store.add_turn("ann", conversation_id=None, question=question, options=ChatOptions())
    log = tmp_path / f"{FILE_NAME}-wal"
    assert b"Xyzzy, plugh" in log.read_bytes()
    await store.accounts.delete_older(datetime.now(UTC) + timedelta(days=1))
    for file in (tmp_path / FILE_NAME, log):
        assert b"Xyzzy, plugh" not in file.read_bytes()
    await store.close()


# --- threads and tasks ------------------------------------------------------------------------


async def test_many_writers_and_readers_do_not_lock_each_other_out(
    tmp_path: Path, database_url: str | None
) -> None:
    store = await opened(tmp_path, database_url)

    async def converse(number: int) -> None:
        turn = await ask(store, f"{number}", user_id=f"user {number}")
        for length in range(20):
            await store.save_text(f"user {number}", turn.answer.id, "x" * length)
            assert len(await store.path(f"user {number}", turn.conversation.id)) == 2
        record = AnswerRecord("x" * 20, Status.DONE)
        await store.finish_answer(f"user {number}", turn.answer.id, record)

    await asyncio.gather(*(converse(number) for number in range(12)))
    for number in range(12):
        mine = await store.conversations(f"user {number}")
        messages = await store.path(f"user {number}", mine[0].id)
        assert messages[1].content == "x" * 20
    await store.close()


async def test_texts_of_many_answers_are_saved_in_one_transaction(
    tmp_path: Path, database_url: str | None
) -> None:
    store = await opened(tmp_path, database_url)
    turns = [await ask(store, f"{number}") for number in range(20)]
    commits = 0

    def count(connection: Connection) -> None:
        nonlocal commits
        commits += 1

    event.listen(Engine, "commit", count)
    try:
        await asyncio.gather(*(store.save_text("ann", turn.answer.id, "so far") for turn in turns))
    finally:
        event.remove(Engine, "commit", count)
    assert commits == 1
    for turn in turns:
        assert (await store.path("ann", turn.conversation.id))[-1].content == "so far"
    await store.close()


async def test_a_save_is_stored_although_its_caller_was_cancelled_and_the_store_was_closed(
    tmp_path: Path, database_url: str | None
) -> None:
    store = await opened(tmp_path, database_url)
    turn = await ask(store)
    saving = asyncio.create_task(store.save_text("ann", turn.answer.id, "so far"))
    await asyncio.sleep(0)
    saving.cancel()
    await store.close()
    store = await opened(tmp_path, database_url)
    assert (await store.path("ann", turn.conversation.id))[-1].content == "so far"
    await store.close()


async def test_a_writer_waits_for_another_program_that_holds_the_file(tmp_path: Path) -> None:
    store = await opened(tmp_path)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    letting_go = threading.Timer(0.3, other.execute, ["COMMIT"])
    letting_go.start()
    assert await ask(store)
    letting_go.join()
    other.close()
    await store.close()


@pytest.mark.parametrize("begun", [False, True], ids=["submitted", "begun"])
async def test_cancelling_the_task_that_waits_does_not_lose_the_write(
    tmp_path: Path, database_url: str | None, begun: bool
) -> None:
    store = await opened(tmp_path, database_url)
    turn = await ask(store)
    record = AnswerRecord("the end", Status.STOPPED)
    writing = asyncio.create_task(store.finish_answer("ann", turn.answer.id, record))
    # One turn of the loop submits the call. Without it the task is cancelled before it began.
    await asyncio.sleep(0.02 if begun else 0)
    writing.cancel()
    await asyncio.wait({writing})
    await store.close()
    again = await opened(tmp_path, database_url)
    assert (await again.path("ann", turn.conversation.id))[1].content == "the end"
    await again.close()


async def test_writes_that_wait_for_a_thread_survive_cancellation(
    tmp_path: Path,
) -> None:
    store = await opened(tmp_path)
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    writes = [asyncio.create_task(ask(store, f"r{number}")) for number in range(5)]
    await asyncio.sleep(0.05)
    for task in writes:
        task.cancel()
    await asyncio.wait(writes)
    assert all(task.cancelled() for task in writes)
    other.execute("COMMIT")
    other.close()
    await store.close()
    again = await opened(tmp_path)
    assert len(await again.conversations("ann")) == 5
    await again.close()


async def test_a_database_that_fails_later_is_an_error_of_the_domain(
    tmp_path: Path, database_url: str | None, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    store = await opened(tmp_path, database_url)
    turn = await ask(store)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE messages RENAME TO elsewhere"))
    with pytest.raises(StoreFailed):
        await store.save_text("ann", turn.answer.id, "private words")
    assert "messages" in caplog.text
    assert "private words" not in caplog.text
    await store.close()


# --- databases that cannot be used ------------------------------------------------------------


@contextmanager
def without_privileges() -> Iterator[None]:
    """Not as root, which may write everywhere."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(mine)


async def refusal(store: RoutingStore) -> str:
    """The sentence with which a store refuses to open."""
    with pytest.raises(StartupError) as refused:
        await store.open()
    await store.close()
    sentence = str(refused.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    return sentence


async def test_a_folder_that_may_not_be_written_is_a_plain_sentence(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with without_privileges():
        sentence = await refusal(open_store(locked / "data"))
    assert f"{locked}/data cannot hold the database: there is no permission" in sentence
    assert "--data-dir" in sentence


async def test_a_folder_that_another_app_uses_is_a_plain_sentence(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    turn = await ask(first)
    sentence = await refusal(open_store(tmp_path))
    assert f"process {os.getpid()}" in sentence
    assert "--data-dir" in sentence
    await first.save_text("ann", turn.answer.id, "goes on")
    await first.close()
    second = await opened(tmp_path)
    assert (await second.path("ann", turn.conversation.id))[1].content == "goes on"
    await second.close()


@pytest.mark.postgres
async def test_a_postgres_that_another_app_uses_is_a_plain_sentence(
    tmp_path: Path, postgres_url: str
) -> None:
    first = await opened(tmp_path, postgres_url)
    turn = await ask(first)
    sentence = await refusal(open_store(tmp_path, postgres_url))
    assert "Another Qwen Chat uses the PostgreSQL database" in sentence
    assert "--database-url" in sentence
    await first.save_text("ann", turn.answer.id, "goes on")
    await first.close()
    second = await opened(tmp_path, postgres_url)
    assert (await second.path("ann", turn.conversation.id))[1].content == "goes on"
    await second.close()


async def test_a_file_in_place_of_the_folder_is_a_plain_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert "--data-dir" in await refusal(open_store(tmp_path / "data"))


async def test_a_database_that_may_not_be_written_is_a_plain_sentence(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    ours = Path(tempfile.gettempdir())
    for path in (tmp_path, *(path for path in tmp_path.parents if ours in path.parents)):
        path.chmod(0o777)
    (tmp_path / LOCK_NAME).chmod(0o666)
    (tmp_path / FILE_NAME).chmod(0o444)
    with without_privileges():
        sentence = await refusal(open_store(tmp_path))
    assert "no permission" in sentence
    assert FILE_NAME in sentence


@pytest.mark.parametrize("damage", ["garbage", "cut"])
async def test_a_damaged_file_is_a_plain_sentence(tmp_path: Path, damage: str) -> None:
    file = tmp_path / FILE_NAME
    await (await opened(tmp_path)).close()
    whole = file.read_bytes()
    file.write_bytes(b"not a database" * 100 if damage == "garbage" else whole[:5000])
    sentence = await refusal(open_store(tmp_path))
    assert f"{file} is damaged" in sentence
    assert "backup" in sentence


FULL_DISK = """
import asyncio, resource, signal, sys
from pathlib import Path
from chat.errors import StartupError
from store import open_store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    asyncio.run(open_store(Path(sys.argv[1])).open())
except StartupError as error:
    print(error)
"""


async def test_a_disk_without_room_is_a_plain_sentence(tmp_path: Path) -> None:
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FULL_DISK, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await asyncio.wait_for(child.communicate(), 60)
    assert f"The disk that holds {tmp_path / FILE_NAME}" in printed.decode()
    assert "full" in printed.decode()


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://ann:{SECRET}@127.0.0.1:1/chat",
        f"postgres://ann:{SECRET}@127.0.0.1:1/chat",
        f"postgresql+psycopg://127.0.0.1:1/chat?password={SECRET}&user=ann",
    ],
)
async def test_a_postgres_that_does_not_answer_is_a_plain_sentence_without_its_password(
    tmp_path: Path, url: str
) -> None:
    sentence = await refusal(open_store(tmp_path, url))
    assert "127.0.0.1:1/chat" in sentence
    assert "--database-url" in sentence
    assert SECRET not in sentence


@pytest.mark.parametrize(
    "url", [f"mysql://ann:{SECRET}@host/chat", f"ann:{SECRET}@host", "postgresql://host:port/chat"]
)
def test_a_url_of_something_else_is_a_plain_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(StartupError, match="must look like postgresql://") as refused:
        open_store(tmp_path, url)
    assert SECRET not in str(refused.value)


async def test_what_is_not_there_leaves_no_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = await opened(tmp_path)
    caplog.clear()
    with pytest.raises(NotFound):
        await store.conversation("ann", "none")
    assert caplog.records == []
    await store.close()


def restart_connections(url: str) -> None:
    """Cut every connection to the database, as a restart of its server does."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.postgres
async def test_the_lock_is_taken_again_after_postgres_restarts(
    tmp_path: Path, postgres_url: str
) -> None:
    first = await opened(tmp_path, postgres_url)
    turn = await ask(first)
    restart_connections(postgres_url)
    await asyncio.sleep(CHECK_EVERY_S)
    await first.save_text("ann", turn.answer.id, "goes on")
    assert "Another Qwen Chat" in await refusal(open_store(tmp_path, postgres_url))
    await first.close()


@pytest.mark.postgres
async def test_an_app_that_lost_the_database_to_another_writes_nothing(
    tmp_path: Path, postgres_url: str
) -> None:
    first = await opened(tmp_path, postgres_url)
    turn = await ask(first)
    restart_connections(postgres_url)
    second = await opened(tmp_path, postgres_url)
    await asyncio.sleep(CHECK_EVERY_S)
    with pytest.raises(StoreFailed):
        await first.save_text("ann", turn.answer.id, "two apps at once")
    with pytest.raises(StoreFailed):
        await first.check()
    assert (await second.path("ann", turn.conversation.id))[1].content == ""
    await second.close()
    await first.save_text("ann", turn.answer.id, "alone again")
    await first.close()
