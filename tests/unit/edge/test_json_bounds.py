"""The structure of a JSON body is bounded in its bytes, before a parser makes values of it."""

import json
from typing import Any

import pytest

from api.edge.json_bounds import (
    MAX_DEPTH,
    JsonBounds,
    TooMuchJson,
    UnusableJson,
    check_structure,
)

BOUNDS = JsonBounds(containers=200, values=1_000)


def nested(levels: int, kind: str = "[]") -> bytes:
    return (kind[0] * levels + kind[1] * levels).encode()


@pytest.mark.parametrize(
    "value",
    [
        {},
        [[]] * 199,
        [1] * 999,
        {"text": "[{," * 5_000},
        {"text": '"[{,\\' * 5_000},
        {"text": "\\"},
        ["\\", "[" * 500, '\\"', "{" * 500],
        {"[" * 300: "]" * 300},
    ],
    ids=range(8),
)
def test_what_stays_within_the_bounds_passes_whatever_its_texts_hold(value: Any) -> None:
    check_structure(json.dumps(value).encode(), BOUNDS)
    check_structure(json.dumps(value, ensure_ascii=False, indent=1).encode(), BOUNDS)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([[]] * 200, "200 lists and objects"),
        ([{}] * 10_000, "200 lists and objects"),
        ([1] * 1_001, "1,000 values"),
        ([""] * 10_000, "1,000 values"),
        ({str(number): number for number in range(1_001)}, "1,000 values"),
        (['\\"[', *[[]] * 200], "200 lists and objects"),
        (["\\", *[[]] * 200], "200 lists and objects"),
    ],
    ids=range(7),
)
def test_more_structure_than_may_be_is_refused_with_the_bound(value: Any, why: str) -> None:
    with pytest.raises(TooMuchJson, match=why):
        check_structure(json.dumps(value).encode(), BOUNDS)


@pytest.mark.parametrize("kind", ["[]", "{}"])
def test_nesting_is_bounded_exactly(kind: str) -> None:
    check_structure(nested(MAX_DEPTH, kind), BOUNDS)
    with pytest.raises(UnusableJson, match="64 levels"):
        check_structure(nested(MAX_DEPTH + 1, kind), BOUNDS)
    mixed = b'[{"a":' * 32 + b"[]" + b"}]" * 32
    with pytest.raises(UnusableJson, match="64 levels"):
        check_structure(mixed, BOUNDS)


@pytest.mark.parametrize("body", [b"[" * 150, b"[" * 100 + b"1", b'{"a":' * 150])
def test_brackets_that_are_never_closed_count_as_nesting(body: bytes) -> None:
    with pytest.raises(UnusableJson):
        check_structure(body, BOUNDS)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_encodings_in_which_quotes_look_different_are_refused(encoding: str) -> None:
    with pytest.raises(UnusableJson, match="UTF-8"):
        check_structure('{"a": 1}'.encode(encoding), BOUNDS)
