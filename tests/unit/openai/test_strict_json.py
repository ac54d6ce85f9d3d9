"""Strict JSON: standard JSON is accepted, input on which later code would fail is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.openai.strict_json import MAX_DEPTH, BadJson, read, read_json

TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans())
def test_valid_json_is_parsed_unchanged(value: Any, ascii_only: bool) -> None:
    assert read(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"a": 1} {"b": 2}',
        b"\xff\xfe{",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": 9223372036854775809}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'"\\ud800"',
        b'{"\\udfff": 1}',
        b'["a\\u0000b"]',
        b'["a\0b"]',
        b'["\n"]',
        b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
        b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1),
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_unusable_json_is_refused_without_being_repeated(body: bytes) -> None:
    with pytest.raises(BadJson) as refusal:
        read(body)
    assert "9999" not in str(refusal.value)
    assert "nonsense" not in str(refusal.value)


def test_values_at_the_limits_are_accepted() -> None:
    assert read(b'["\\ud83d\\ude00"]') == ["\U0001f600"]
    assert read(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    assert read(b"-9223372036854775808") == -(2**63)


async def test_a_large_body_is_parsed_in_a_thread() -> None:
    text = "x" * 200_000
    assert await read_json(json.dumps([text]).encode()) == [text]
    with pytest.raises(BadJson):
        await read_json(b"[" * 200_000)
