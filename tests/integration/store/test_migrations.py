"""A database of an older version: it keeps what it has, and what is new works on it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from chat.accounts.models import AccountRole, Action, ApiKey, AuditEntry
from chat.campaigns.validation import check_plan
from chat.conversations.models import Conversation, Message, Question
from chat.models import ChatOptions, Role, Sampling, Status
from store import FILE_NAME, RoutingStore, open_store
from store.engines import postgres_engine, sqlite_engine
from store.migrate import upgrade

TIME = "2026-01-01 10:00:00.000000"
CONVERSATION = """
INSERT INTO conversations (id, owner, title, options, head_id, created_at, updated_at)
VALUES (:id, 'ann', :title, '{"system_prompt": "p", "sampling": {"seed": 7}}', :head, :time, :time)
"""
MESSAGE = """
INSERT INTO messages (id, conversation_id, owner, parent_id, role, content, status, created_at,
    provenance, request_id)
VALUES (:id, 'c', 'ann', :parent, :role, :content, :status, :time, :provenance, :request)
"""
PROVENANCE = (
    '{"model": "m", "revision": "r", "quantization": "none", "engine": "local",'
    ' "sampling": {}, "prompt_sha256": "ab"}'
)
LINE = [
    ("user", "今天天气怎么样？", "done"),
    ("assistant", "The weather is fine.", "done"),
    *[("user", f"number {number}", "done") for number in range(1_200)],
    ("assistant", "half an umbrella", "streaming"),
]


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str | None:
    """None for SQLite, as in the settings."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(tmp_path: Path, database_url: str | None) -> Iterator[Engine]:
    engine = postgres_engine(database_url) if database_url else sqlite_engine(tmp_path / FILE_NAME)
    yield engine
    engine.dispose()


def fill_first_version(engine: Engine) -> None:
    """One conversation that is a line of messages, and one without any."""
    upgrade(engine, "0001")
    last = f"m{len(LINE) - 1}"
    with engine.begin() as connection:
        for key, title, head in (("c", "旧的对话", last), ("empty", "Old title", None)):
            row = {"id": key, "title": title, "head": head, "time": TIME}
            connection.execute(text(CONVERSATION), row)
        for place, (role, content, status) in enumerate(LINE):
            row = {
                "id": f"m{place}",
                "parent": f"m{place - 1}" if place else None,
                "role": role,
                "content": content,
                "status": status,
                "time": TIME,
                "provenance": PROVENANCE if role == "assistant" else None,
                "request": f"r{place}" if role == "user" else None,
            }
            connection.execute(text(MESSAGE), row)


async def reopened(tmp_path: Path, database_url: str | None) -> RoutingStore:
    store = open_store(tmp_path, database_url)
    await store.open()
    return store


async def test_a_database_of_the_first_version_keeps_its_rows(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    fill_first_version(engine)
    store = await reopened(tmp_path, database_url)
    listed: dict[str, Conversation] = {c.id: c for c in await store.conversations("ann")}
    assert listed.keys() == {"c", "empty"}
    assert listed["c"].options == ChatOptions("p", Sampling(seed=7))
    assert (listed["c"].title, listed["c"].pinned) == ("旧的对话", False)
    path: list[Message] = list(await store.path("ann", "c"))
    assert [(m.role, m.content, m.status) for m in path] == [
        (Role(role), content, Status(status)) for role, content, status in LINE
    ]
    assert all(message.attachments == () for message in path)
    assert path[1].provenance is not None
    assert path[1].provenance.preset is None
    await store.close()


async def test_a_database_of_the_first_version_becomes_searchable(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    fill_first_version(engine)
    store = await reopened(tmp_path, database_url)
    for words, message_id in (("天气", "m0"), ("WEATHER", "m1"), ("number 1199", "m1201")):
        assert [hit.message_id for hit in await store.search("ann", words)] == [message_id]
    for words, conversation_id in (("旧的", "c"), ("old ti", "empty")):
        hits = await store.search("ann", words)
        assert [hit.conversation.id for hit in hits] == [conversation_id]
    assert list(await store.search("ann", "umbrella")) == []
    assert await store.interrupt_unfinished() == 1
    assert len(await store.search("ann", "umbrella")) == 1
    await store.close()


async def test_a_conversation_of_the_first_version_goes_on(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    fill_first_version(engine)
    store = await reopened(tmp_path, database_url)
    await store.interrupt_unfinished()
    turn = await store.add_turn(
        "ann", conversation_id="c", question=Question("And?", "new"), options=ChatOptions()
    )
    assert turn.question.parent_id == f"m{len(LINE) - 1}"
    await store.delete("ann", "c")
    assert await store.purge_deleted(turn.question.created_at.replace(year=2100)) == 1
    assert [item.id for item in await store.conversations("ann")] == ["empty"]
    await store.close()


INSERT_USER = """
INSERT INTO people (id, name, name_key, rank, created_at, disabled, password_hash)
VALUES ('bob', 'Bob', 'bob', 'member', :time, false, 'hash')
"""


async def test_users_of_the_third_version_stay_and_may_have_keys(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    upgrade(engine, "0003")
    with engine.begin() as connection:
        connection.execute(text(INSERT_USER), {"time": TIME})
    store = await reopened(tmp_path, database_url)
    bob = await store.accounts.user("bob")
    assert (bob.name, bob.role) == ("Bob", AccountRole.MEMBER)
    key = ApiKey("key", bob.id, "script", "sk-abcde", bob.created_at)
    await store.accounts.add_key("digest", key, AuditEntry(bob.created_at, bob.id, Action.NEW_KEY))
    assert await store.accounts.key("digest") == (key, bob)
    await store.close()


ANSWER = """
INSERT INTO messages (id, conversation_id, owner, role, content, status, created_at, origin, usage,
    timing, provenance, attachments, purged)
VALUES (:id, 'c', 'ann', 'assistant', :content, :status, :time, 'here', :usage, :timing,
    :provenance, '[]', false)
"""
FIGURES = """
SELECT completion_tokens, queue_s, ttft_s, total_s, decode_tokens_per_s, model, language
FROM messages ORDER BY sequence
"""
ANSWERS = (
    (
        '{"prompt_tokens": 9, "completion_tokens": 214}',
        '{"queue_s": 0.1, "prefill_s": 0.2, "ttft_s": 1e-05, "total_s": 9,'
        ' "decode_tokens_per_s": 38.6}',
        PROVENANCE,
    ),
    ('{"prompt_tokens": 9, "completion_tokens": 9007199254740991}', '{"queue_s": 2}', None),
    (None, None, None),
)
TEXTS = ("法国的首都是巴黎。", "Paris.", "42")
"""Of these answers."""


def test_answers_of_the_sixth_version_are_counted(engine: Engine) -> None:
    upgrade(engine, "0006")
    with engine.begin() as connection:
        head = {"id": "c", "title": "Old", "head": None, "time": TIME}
        connection.execute(text(CONVERSATION), head)
        for place, (usage, timing, provenance) in enumerate(ANSWERS):
            row = {"id": f"a{place}", "time": TIME, "usage": usage, "timing": timing}
            values = {"provenance": provenance, "content": TEXTS[place], "status": "done"}
            connection.execute(text(ANSWER), row | values)
        nothing = dict.fromkeys(("usage", "timing", "provenance"))
        for number in range(700):
            row = {"id": f"b{number}", "time": TIME, "status": "done", "content": "So it is."}
            connection.execute(text(ANSWER), row | nothing)
        row = {"id": "c", "time": TIME, "status": "streaming", "content": "Half an"}
        connection.execute(text(ANSWER), row | nothing)
    upgrade(engine)
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(text(FIGURES))] == [
            (214, 0.1, 1e-05, 9.0, 38.6, "m", "zh"),
            (9007199254740991, 2.0, 0.0, 0.0, 0.0, None, "en"),
            (*[None] * 7,),
            *[(*[None] * 6, "en")] * 700,
            (*[None] * 7,),
        ]


OLD_LINK = """
INSERT INTO guest_links (id, token_hash, owner, label, created_at, expires_at, max_guests,
    max_messages, max_tokens, revoked, guests, messages, tokens, campaign_id)
VALUES ('link', 'digest', 'bob', 'Rivals of ACME', :time, :time, 9, 9, 9, false, 1, 2, 3, 'c')
"""
OLD_CAMPAIGN = """
INSERT INTO campaigns (id, owner, plan, plan_version, created_at)
VALUES ('c', 'bob', '{"title": "Old", "mode": "single", "variants": [{"name": "A"}],
    "survey": [{"id": "q", "kind": "scale", "text": "How?"}],
    "tasks": [{"id": "t", "title": "Ask"}]}', 2, :time)
"""


async def test_links_and_campaigns_of_the_eighth_version_stay_open_and_show_no_label(
    tmp_path: Path, database_url: str | None, engine: Engine
) -> None:
    upgrade(engine, "0008")
    with engine.begin() as connection:
        for statement in (OLD_CAMPAIGN, OLD_LINK):
            connection.execute(text(statement), {"time": TIME})
    store = await reopened(tmp_path, database_url)
    link = await store.accounts.guest_link("link")
    assert (link.label, link.welcome, link.guests) == ("Rivals of ACME", "", 1)
    campaign = await store.feedback.campaigns.campaign("c")
    assert (campaign.is_draft, campaign.plan_version) == (False, 2)
    assert check_plan(campaign.plan) == campaign.plan
    await store.close()
