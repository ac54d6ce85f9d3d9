"""Errors of an import in the language of the page."""

import json
from datetime import UTC, datetime

import pytest

from chat.conversations.errors import BadImport
from formats.importing import read_archives
from i18n import Language
from ui.broken_file import broken_file

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def node(parent: str | None) -> dict[str, object]:
    return {"parent": parent}


@pytest.mark.parametrize(
    ("file", "english", "chinese"),
    [
        ("[1,\n}", "line 2 is not JSON", "第 2 行不是有效的 JSON"),
        ("[]", "it contains no conversation", "其中没有对话"),
        (
            json.dumps({"messages": [0] * 20_001}),
            "messages has more messages than one conversation can have",
            "messages 的消息数超过单个对话的上限",
        ),
        (
            json.dumps({"mapping": {"a: b": node("c")}}),
            "mapping.a: b.parent refers to a message that is not there",
            "mapping.a: b.parent 指向不存在的消息",
        ),
        (
            json.dumps({"mapping": {"a": node("b"), "b": node("a")}}),
            "mapping.a.parent contains a circular reference",
            "mapping.a.parent 形成了循环",
        ),
        ('{"messages": 5}', "messages: should be a list", "messages: should be a list"),
    ],
)
def test_a_broken_file_is_explained_with_its_place(file: str, english: str, chinese: str) -> None:
    with pytest.raises(BadImport) as caught:
        read_archives(file.encode(), owner_id="ann", now=NOW)
    code, message = caught.value.code, str(caught.value)
    assert broken_file(code, message, Language.EN) == (
        f"This file cannot be imported: {english}. Nothing was imported."
    )
    assert broken_file(code, message, Language.ZH) == (
        f"无法导入这个文件：{chinese}。没有导入任何内容。"
    )


def test_what_a_proxy_refuses_is_said_to_be_the_proxys() -> None:
    english = broken_file("too_large_for_proxy", "", Language.EN)
    assert "proxy" in english
    assert "代理" in broken_file("too_large_for_proxy", "", Language.ZH)


def test_a_file_of_no_known_format_says_which_are_known() -> None:
    with pytest.raises(BadImport) as caught:
        read_archives(b"[[]]", owner_id="ann", now=NOW)
    code, message = caught.value.code, str(caught.value)
    english = broken_file(code, message, Language.EN)
    assert "[0] is not a conversation in a known format" in english
    for known in ("ChatGPT", "Claude", "LibreChat", "Open WebUI", "SillyTavern", "ShareGPT"):
        assert known in english
        assert known in broken_file(code, message, Language.ZH)


def test_a_file_that_is_known_and_not_read_is_named() -> None:
    with pytest.raises(BadImport) as caught:
        read_archives(b'[{"inserted_at": "x", "mapping": {}}]', owner_id="ann", now=NOW)
    code, message = caught.value.code, str(caught.value)
    assert broken_file(code, message, Language.EN).startswith(
        "Files of DeepSeek cannot be imported"
    )
    assert "DeepSeek" in broken_file(code, message, Language.ZH)
