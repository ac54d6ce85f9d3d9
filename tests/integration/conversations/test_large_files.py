"""A large file is read in a process of its own, with the same result as in the app itself."""

import json
from datetime import UTC, datetime

import pytest

from chat.conversations.errors import BadImport, UnknownFormat
from formats.apart import FileReader
from formats.importing import read_archives

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHAT = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hey"}]}


async def test_a_file_of_many_conversations_is_read_as_a_small_one_is() -> None:
    data = json.dumps([CHAT] * 3_000).encode()
    found = (await FileReader().archives(data, owner_id="ann", now=NOW)).archives
    expected = read_archives(data, owner_id="ann", now=NOW).archives
    assert [archive.conversation.owner_id for archive in found] == ["ann"] * 3_000
    assert [[message.content for message in archive.messages] for archive in found] == [
        [message.content for message in archive.messages] for archive in expected
    ]


async def test_the_refusal_of_a_large_file_names_place_and_reason() -> None:
    data = json.dumps([5, *[{}] * 6_000]).encode()
    with pytest.raises(UnknownFormat) as refused:
        await FileReader().archives(data, owner_id="ann", now=NOW)
    assert refused.value.values["where"] == "[0]"
    assert "no conversation of a known format" in str(refused.value)


async def test_the_damaged_entry_of_a_large_file_is_named_and_the_rest_is_read() -> None:
    data = json.dumps([*[CHAT] * 3_000, 5]).encode()
    imported = await FileReader().archives(data, owner_id="ann", now=NOW)
    assert len(imported.archives) == 3_000
    assert [error.values["where"] for error in imported.report.not_read] == ["[3000]"]


async def test_cases_are_read_apart_too() -> None:
    with pytest.raises(BadImport, match="qwen-chat-cases"):
        await FileReader().cases(b"[" + b"[]," * 10_000 + b"0]")
