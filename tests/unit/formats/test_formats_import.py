"""Files of conversations come in whole, or are refused with the place where they are broken."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.attachments import with_attachments
from chat.conversations.errors import BadImport
from chat.conversations.models import Archive, Origin
from chat.conversations.tree import Tree
from chat.models import Role, Status
from formats import foreign
from formats.exporting import Format, export_file
from formats.import_report import Imported
from formats.importing import read_archives
from formats.reading import MAX_CONTAINERS
from formats.records import MAX_MESSAGES
from formats.words import ExportLanguage
from tests.archives import NOW, OWNER, archives, example, exported_file, unhurried


def read(value: object) -> list[Archive]:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return list(read_all(data).archives)


def read_all(value: object) -> Imported:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return read_archives(data, owner_id=OWNER, now=NOW)


def not_read(value: object) -> list[object]:
    """The places of what could not be read, beside the one conversation that could."""
    imported = read_all(value)
    assert len(imported.archives) == 1
    return [error.values["where"] for error in imported.report.not_read]


def refused(value: object) -> dict[str, object]:
    with pytest.raises(BadImport) as caught:
        read(value)
    assert str(caught.value)
    return caught.value.values


# Ours


def ours(**changes: Any) -> dict[str, Any]:
    """A file of ours with one conversation, some of its fields changed."""
    file = json.loads(exported_file(example(), Format.JSON, ExportLanguage.EN))
    file["conversations"][0].update(changes)
    return dict(file)


@unhurried
@given(st.lists(archives(), min_size=1, max_size=3))
def test_exported_json_is_imported_unchanged(exported: list[Archive]) -> None:
    collection = export_file(Format.JSON, ExportLanguage.EN)
    file = b"".join([*map(collection.add, exported), collection.end()])
    assert read(file) == exported


@unhurried
@given(archives())
def test_exported_sharegpt_is_imported_with_the_texts_of_its_path(exported: Archive) -> None:
    path = Tree(exported.messages).path_to(exported.conversation.head_id)
    turns = [
        (message.role, with_attachments(message.content, message.attachments))
        for message in path
        if message.content or message.attachments
    ]
    file = exported_file(exported, Format.SHAREGPT, ExportLanguage.EN)
    if not turns:
        assert "no conversation" in str(refused(file)["why"])
        return
    (archive,) = read(file)
    assert [(message.role, message.content) for message in archive.messages] == turns
    assert archive.conversation.options.system_prompt == exported.conversation.options.system_prompt
    assert Tree(archive.messages).path_to(archive.conversation.head_id) == list(archive.messages)


def test_own_files_keep_origin_and_provenance() -> None:
    (archive,) = read(ours())
    assert archive == replace(example(), conversation=archive.conversation)
    assert archive.conversation == example().conversation


def test_an_empty_file_of_ours_is_refused() -> None:
    assert "no conversation" in str(refused(ours() | {"conversations": []})["why"])


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": ""}, "conversations[0].id"),
        ({"id": "x" * 200}, "conversations[0].id"),
        ({"title": "a\0b"}, "conversations[0].title"),
        ({"title": "\ud83d"}, "conversations[0].title"),
        ({"title": "x" * 201}, "conversations[0].title"),
        ({"title": None}, "conversations[0].title"),
        ({"head_id": "nobody"}, "conversations[0].head_id"),
        ({"created_at": "yesterday"}, "conversations[0].created_at"),
        ({"created_at": "2026-01-01T00:00:00"}, "conversations[0].created_at"),
        ({"created_at": 1_700_000_000}, "conversations[0].created_at"),
        ({"created_at": "9999-12-31T23:59:59-12:00"}, "conversations[0].created_at"),
        ({"pinned": 1}, "conversations[0].pinned"),
        ({"pined": True}, "conversations[0].pined"),
        ({"messages": "none"}, "conversations[0].messages"),
        (
            {"options": {"sampling": {"temperature": 3}}},
            "conversations[0].options.sampling.temperature",
        ),
        ({"options": {"sampling": {"top_k": "5"}}}, "conversations[0].options.sampling.top_k"),
        ({"options": {"sampling": {"seed": 10**300}}}, "conversations[0].options.sampling.seed"),
        (
            {"options": {"sampling": {"stop": ["\ud800"]}}},
            "conversations[0].options.sampling.stop[0]",
        ),
        ({"options": {"preset": {"id": "x"}}}, "conversations[0].options.preset.version"),
    ],
)
def test_a_broken_field_of_a_conversation_is_named(change: dict[str, Any], where: str) -> None:
    assert refused(ours(**change))["where"] == where


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"role": "system"}, "role"),
        ({"role": "tool"}, "role"),
        ({"content": None}, "content"),
        ({"content": "\udfff"}, "content"),
        ({"content": "x" * 1_000_001}, "content"),
        ({"status": "gone"}, "status"),
        ({"parent_id": "nobody"}, "parent_id"),
        ({"parent_id": "shown"}, "parent_id"),
        ({"id": "question"}, "id"),
        ({"origin": "elsewhere"}, "origin"),
        ({"finish": "length "}, "finish"),
        ({"finish": "tool_calls"}, "finish"),
        ({"usage": {"prompt_tokens": -1, "completion_tokens": 1}}, "usage.prompt_tokens"),
        ({"timing": {"ttft_s": "fast"}}, "timing.ttft_s"),
        ({"timing": {"ttft_s": 10**400}}, "timing.ttft_s"),
        ({"provenance": {"model": "x"}}, "provenance.revision"),
        ({"attachments": [{"name": "../a", "text": ""}]}, "attachments[0]"),
        ({"attachments": [{"name": "a", "text": ""}] * 11}, "attachments"),
    ],
)
def test_a_broken_field_of_a_message_is_named(change: dict[str, Any], field: str) -> None:
    file = ours()
    file["conversations"].insert(0, ours()["conversations"][0])
    file["conversations"][1]["messages"][2].update(change)
    assert not_read(file) == [f"conversations[1].messages[2].{field}"]


def test_a_cycle_of_messages_is_refused() -> None:
    file = ours()
    file["conversations"][0]["messages"][0]["parent_id"] = "shown"
    assert refused(file)["where"] == "conversations[0].messages[0].parent_id"


def test_more_messages_than_a_conversation_may_have_are_refused() -> None:
    message = ours()["conversations"][0]["messages"][0]
    many = [message | {"id": str(number)} for number in range(MAX_MESSAGES + 1)]
    assert refused(ours(messages=many, head_id=None))["where"] == "conversations[0].messages"
    turns = [{"from": "human", "value": "x"}] * (MAX_MESSAGES + 1)
    assert refused([{"conversations": turns}])["where"] == "[0].conversations"
    nodes: dict[str, Any] = {str(number): {} for number in range(MAX_MESSAGES + 1)}
    assert refused([{"mapping": nodes}])["where"] == "[0].mapping"


@pytest.mark.parametrize("version", [0, 2, "1", None, 1.5])
def test_another_version_is_refused(version: object) -> None:
    assert refused(ours() | {"version": version})["where"] == "version"


def test_another_format_is_refused() -> None:
    assert refused(ours() | {"format": "qwen-chat-preset"})["where"] == "format"


# JSON


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("\n\n[", 3),
        ('{"format":\n"qwen-chat",\n}', 3),
        ('[{},\n{"a": NaN}]', 2),
        ("[-Infinity]", 1),
        ("[\n1 2]", 2),
        ("[1]\n[2]", 2),
        ("[\n" + "[" * 100_000, 2),
        ('[\n{"a":' * 50_000, 2),
        ("[\n" + "9" * 5_000 + "]", 2),
        ('["a\nb"]', 1),
        ('{"conversations": []}\n{"conversations": []}]', 2),
        ("{'a': 1}", 1),
        ('{"a" 1}', 1),
        ("nothing", 1),
    ],
)
def test_broken_json_is_refused_with_its_line(text: str, line: int) -> None:
    assert refused(text.encode())["where"] == f"line {line}"


@pytest.mark.parametrize(("data", "line"), [(b"\xff\xfe[", 1), (b'[\n"\xe4"]', 2)])
def test_invalid_utf8_is_refused_with_its_line(data: bytes, line: int) -> None:
    assert refused(data)["where"] == f"line {line}"


@pytest.mark.parametrize("value", [1, "x", None, [], {}, [1], ["x"], [[]], [{}], {"data": []}])
def test_json_without_a_conversation_is_refused(value: object) -> None:
    refused(value)


@unhurried
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists))
def test_any_other_json_is_refused_without_an_exception(value: object) -> None:
    refused(value)


@unhurried
@given(st.binary())
def test_any_bytes_are_refused_without_an_exception(data: bytes) -> None:
    refused(data)


def test_a_file_of_brackets_is_refused_before_it_uses_much_memory() -> None:
    assert "lists and objects" in str(refused(b"[" + b"[]," * MAX_CONTAINERS + b"[]]")["why"])


def test_the_place_of_an_error_has_no_invisible_characters() -> None:
    nodes = {"\ud800\u202e" + "x" * 500: {"parent": "y"}}
    where = str(refused([{"mapping": nodes}])["where"])
    assert where.isprintable()
    assert len(where) <= 200


# ShareGPT


def test_both_notations_of_sharegpt_are_read() -> None:
    turns = [("system", "Be kind."), ("human", "Hello"), ("gpt", "Hi")]
    roles = {"human": "user", "gpt": "assistant", "system": "system"}
    plain = {"conversations": [{"from": author, "value": text} for author, text in turns]}
    other = {"messages": [{"role": roles[author], "content": text} for author, text in turns]}
    lines = b"\n".join(json.dumps(item).encode() for item in (plain, other)) + b"\n\n"
    for file in ([plain, other], lines):
        for archive in read(file):
            assert archive.conversation.options.system_prompt == "Be kind."
            assert archive.conversation.title == "Hello"
            assert [message.content for message in archive.messages] == ["Hello", "Hi"]
            assert {message.origin for message in archive.messages} == {Origin.IMPORTED}
            assert {message.provenance for message in archive.messages} == {None}
    assert read(plain) == read([plain])


@pytest.mark.parametrize(
    ("turn", "where"),
    [
        ({"from": "narrator", "value": "x"}, "[1].conversations[1].from"),
        ({"from": 5, "value": "x"}, "[1].conversations[1].from"),
        ({"from": "human"}, "[1].conversations[1].value"),
        ({"role": "user", "content": [1]}, "[1].conversations[1].content[0]"),
        ({"from": "human", "value": "\0"}, "[1].conversations[1].value"),
        ("x", "[1].conversations[1]"),
    ],
)
def test_a_broken_turn_of_sharegpt_is_named_and_the_rest_is_read(turn: object, where: str) -> None:
    good = {"conversations": [{"from": "human", "value": "x"}]}
    bad = {"conversations": [*good["conversations"], turn]}
    imported = read_all([good, bad])
    assert [len(archive.messages) for archive in imported.archives] == [1, 1]
    assert [error.values["where"] for error in imported.report.not_read] == [where]


def test_a_broken_line_of_sharegpt_is_named() -> None:
    good = '{"conversations": [{"from": "human", "value": "x"}]}'
    bad = '{"conversations": [{"from": "human", "value": 1}]}'
    assert not_read(f"{good}\n\n{bad}".encode()) == ["line 3.conversations[0].value"]


def test_white_space_makes_no_title() -> None:
    (archive,) = read({"conversations": [{"from": "human", "value": " \n "}]})
    assert archive.conversation.title == foreign.UNTITLED


# ChatGPT


def node(parent: str | None, role: str = "user", text: str = "", **more: Any) -> dict[str, Any]:
    content = {"content_type": "text", "parts": [text]}
    message = {"id": "x", "author": {"role": role}, "content": content, **more}
    return {"id": "ignored", "parent": parent, "message": message, "children": []}


def chatgpt() -> dict[str, Any]:
    """A tree as ChatGPT writes it: hidden and tool nodes between, an answer made twice."""
    picture = {"content_type": "image_asset_pointer", "asset_pointer": "file-service://x"}
    question = node("root", text="")
    question["message"]["content"] = {
        "content_type": "multimodal_text",
        "parts": [picture, "What is this?"],
    }
    return {
        "title": "A  title\nof two lines",
        "create_time": 1_700_000_000.5,
        "update_time": 1_700_000_100,
        "current_node": "tool",
        "mapping": {
            "second": node("call", "assistant", "A dog.", create_time=1_700_000_030.0),
            "root": {"id": "root", "message": None, "parent": None, "children": ["hidden"]},
            "hidden": node(
                "root", "user", "I am 5.", metadata={"is_visually_hidden_from_conversation": True}
            ),
            "system": node("hidden", "system", "You are ChatGPT."),
            "question": {**question, "parent": "system"},
            "call": node("question", "assistant", "look()", recipient="python"),
            "first": node("call", "assistant", "A cat.", create_time=1_700_000_020.0),
            "code": {
                "parent": "second",
                "message": {
                    "author": {"role": "assistant"},
                    "content": {"content_type": "code", "text": "x"},
                },
            },
            "tool": node("code", "tool", "ok"),
        },
        "model": "gpt-x",
        "unknown": [1],
    }


def test_a_chatgpt_tree_keeps_its_shape_without_hidden_nodes() -> None:
    (archive,) = read([chatgpt()])
    question, first, second = archive.messages
    assert (question.role, question.content) == (Role.USER, "What is this?")
    assert question.parent_id is None
    assert (first.content, second.content) == ("A cat.", "A dog.")
    assert first.parent_id == second.parent_id == question.id
    assert archive.conversation.head_id == second.id
    assert archive.conversation.title == "A title of two lines"


def test_chatgpt_times_are_imported_and_its_model_is_not() -> None:
    (archive,) = read([chatgpt()])
    created_at = datetime(2023, 11, 14, 22, 13, 20, 500_000, UTC)
    assert archive.conversation.created_at == created_at
    assert archive.messages[0].created_at == created_at
    assert archive.messages[1].created_at == datetime(2023, 11, 14, 22, 13, 40, tzinfo=UTC)
    for message in archive.messages:
        assert (message.origin, message.provenance) == (Origin.IMPORTED, None)
        assert message.status is Status.DONE


def test_a_chatgpt_conversation_without_text_is_skipped() -> None:
    empty: dict[str, Any] = {"mapping": {"root": {"parent": None, "message": None}}}
    assert len(read([empty, chatgpt()])) == 1


@pytest.mark.parametrize(
    ("key", "value", "where"),
    [
        ("title", 5, "[0].title"),
        ("title", "\ud800", "[0].title"),
        ("create_time", 1e300, "[0].create_time"),
        ("update_time", "now", "[0].update_time"),
        ("current_node", "nobody", "[0].current_node"),
        ("mapping", [], "[0].mapping"),
        ("mapping", {"a": {"parent": "b"}}, "[0].mapping.a.parent"),
        ("mapping", {"a": {"parent": "b"}, "b": {"parent": "a"}}, "[0].mapping.a.parent"),
        ("mapping", {"a": {"parent": "a"}}, "[0].mapping.a.parent"),
        ("mapping", {"a": {"message": {}}}, "[0].mapping.a.message.author"),
        ("mapping", {"a": node(None, text="\0")}, "[0].mapping.a.message.content.parts"),
        (
            "mapping",
            {"a": node(None, text="x", create_time=-1e18)},
            "[0].mapping.a.message.create_time",
        ),
    ],
)
def test_a_broken_field_of_chatgpt_is_named(key: str, value: object, where: str) -> None:
    file = chatgpt() | {key: value}
    if key == "mapping":
        file["current_node"] = None
    assert refused([file])["where"] == where


def test_a_chain_of_the_maximum_length_is_imported() -> None:
    nodes = {
        str(number): node(str(number - 1) if number else None, text="x") for number in range(20_000)
    }
    (archive,) = read([{"mapping": nodes, "current_node": "19999"}])
    assert len(Tree(archive.messages).path_to(archive.conversation.head_id)) == 20_000
