"""Files of other applications and what comes of them: each line of the corpus is one file.

`file` is the JSON of the file, or `lines` its lines. `chats` has each conversation with its
messages as [role, text, index of the message above]; `head` is the end of the shown path,
`left_out` what is counted, `not_read` the places that are named. Or the file is `refused`.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from chat.conversations.errors import BadImport
from chat.conversations.models import Archive, Origin
from formats import unpacking
from formats.import_report import MAX_NAMED, counts_of
from formats.importing import read_archives
from tests.archives import NOW, OWNER

CORPUS = Path(__file__).parents[2] / "corpora" / "imports.jsonl"
FILES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def data_of(entry: dict[str, Any]) -> bytes:
    text = "\n".join(entry["lines"]) if "lines" in entry else json.dumps(entry["file"])
    return text.encode()


def seen(archive: Archive, expected: dict[str, Any]) -> dict[str, Any]:
    """The values of a conversation that the corpus states."""
    ids = [message.id for message in archive.messages]
    found = {
        "messages": [
            [
                message.role.value,
                message.content,
                ids.index(message.parent_id) if message.parent_id is not None else None,
            ]
            for message in archive.messages
        ],
        "title": archive.conversation.title,
        "system": archive.conversation.options.system_prompt,
        "head": ids.index(archive.conversation.head_id or ""),
    }
    return {name: found[name] for name in {"system": "", **expected}}


@pytest.mark.parametrize("entry", FILES, ids=[entry["name"] for entry in FILES])
def test_a_file_comes_in_as_the_corpus_says(entry: dict[str, Any]) -> None:
    if "refused" in entry:
        with pytest.raises(BadImport) as caught:
            read_archives(data_of(entry), owner_id=OWNER, now=NOW)
        assert caught.value.code == entry["refused"]
        assert entry.get("why") in (None, caught.value.values["why"])
        return
    imported = read_archives(data_of(entry), owner_id=OWNER, now=NOW)
    expected = [{"system": "", **chat} for chat in entry["chats"]]
    pairs = zip(imported.archives, expected, strict=True)
    assert [seen(archive, chat) for archive, chat in pairs] == expected
    assert counts_of(imported.report) == entry.get("left_out", {})
    places = [str(error.values["where"]) for error in imported.report.not_read]
    assert places == entry.get("not_read", [])
    assert imported.report.not_read_count == len(places)
    for archive in imported.archives:
        assert {message.origin for message in archive.messages} == {Origin.IMPORTED}


def of_corpus(name: str) -> bytes:
    (entry,) = [entry for entry in FILES if entry["name"] == name]
    return data_of(entry)


CHATGPT = "ChatGPT: spoken turns keep what was heard"


def zipped(*files: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return buffer.getvalue()


def titles(data: bytes) -> list[str]:
    imported = read_archives(data, owner_id=OWNER, now=NOW)
    return [archive.conversation.title for archive in imported.archives]


def test_the_zip_that_chatgpt_sends_is_read() -> None:
    data = zipped(
        ("user.json", b"{}"),
        ("chat.html", b"<html>"),
        ("file-x.png", b"\x89PNG"),
        ("conversations.json", of_corpus(CHATGPT)),
    )
    assert titles(data) == ["Trip"]


def test_the_zip_that_claude_sends_is_read() -> None:
    conversations = of_corpus("Claude: a list of messages")
    assert titles(zipped(("data/conversations.json", conversations))) == ["Poem"]


def turn(text: str) -> bytes:
    return json.dumps([{"messages": [{"role": "user", "content": text}]}]).encode()


def test_a_split_export_is_read_in_order_and_a_damaged_part_is_named() -> None:
    data = zipped(
        ("conversations-002.json", turn("Third")),
        ("conversations-000.json", turn("First")),
        ("conversations-001.json", b"[{"),
    )
    imported = read_archives(data, owner_id=OWNER, now=NOW)
    assert titles(data) == ["First", "Third"]
    assert imported.report.not_read_count == 1


def encrypted(data: bytes) -> bytes:
    """The same zip with the flag that says it has a password."""
    place = data.index(b"PK\x01\x02") + 8
    return data[:6] + b"\x01" + data[7:place] + b"\x01" + data[place + 1 :]


GOOD = zipped(("conversations.json", turn("Hi")))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped(("chat.html", b"<html>")), "holds no conversations.json"),
        (GOOD[:40], "damaged"),
        (GOOD[:40] + b"\xff" * 8 + GOOD[48:], "damaged"),
        (encrypted(GOOD), "encrypted"),
        (b"PK\x03\x04" + b"x" * 100, "damaged"),
    ],
    ids=["no conversations", "cut", "bytes replaced", "encrypted", "no zip"],  # a zip has times
)
def test_a_zip_that_cannot_be_read_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadImport, match=why):
        read_archives(data, owner_id=OWNER, now=NOW)


def test_a_zip_bomb_is_refused_before_it_is_unpacked_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(unpacking, "MAX_UNPACKED_BYTES", 2**20)
    with pytest.raises(BadImport, match="when unpacked"):
        read_archives(zipped(("conversations.json", b" " * 2**22)), owner_id=OWNER, now=NOW)


def test_too_many_files_in_a_zip_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "MAX_ENTRIES", 2)
    data = zipped(*((f"{number}.png", b"") for number in range(3)))
    with pytest.raises(BadImport, match="more than 2 files"):
        read_archives(data, owner_id=OWNER, now=NOW)


def test_of_many_damaged_entries_some_are_named_and_all_are_counted() -> None:
    good = {"messages": [{"role": "user", "content": "Hi"}]}
    data = json.dumps([*[5] * (MAX_NAMED + 7), good]).encode()
    report = read_archives(data, owner_id=OWNER, now=NOW).report
    assert (len(report.not_read), report.not_read_count) == (MAX_NAMED, MAX_NAMED + 7)


def test_conversations_without_a_time_are_older_one_by_one() -> None:
    data = json.dumps([{"messages": [{"role": "user", "content": str(n)}]} for n in range(9)])
    imported = read_archives(data.encode(), owner_id=OWNER, now=NOW)
    times = [archive.conversation.updated_at for archive in imported.archives]
    assert times[0] == NOW
    assert times == sorted(set(times), reverse=True)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_file_in_another_unicode_encoding_is_read(encoding: str) -> None:
    text = json.dumps(
        [{"messages": [{"role": "user", "content": "Grüße 你好"}]}], ensure_ascii=False
    )
    assert titles(text.encode(encoding)) == ["Grüße 你好"]


def test_files_with_a_text_come_with_their_message() -> None:
    for name, expected in (
        ("Claude: thoughts, tools and files", ("notes.txt", "Milk")),
        ("Open WebUI: files with and without text", ("a.txt", "Milk")),
    ):
        (archive,) = read_archives(of_corpus(name), owner_id=OWNER, now=NOW).archives
        (item,) = archive.messages[0].attachments
        assert (item.name, item.text) == expected
