"""Tool calls are parsed while they are written, valid or broken, without losing text."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.tool_calls import CLOSING, OPENING, ToolCallParser

NAMES = {"weather", "时间"}


@dataclass
class Called:
    """One call, assembled from its pieces."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    broken: bool = False


@dataclass
class Read:
    """A parsed answer: its visible text and its calls."""

    text: str
    calls: list[Called]

    @property
    def without_ids(self) -> tuple[str, list[tuple[str, str, bool]]]:
        """The answer without the ids of calls, which are random."""
        return self.text, [(call.name, call.arguments, call.broken) for call in self.calls]


def read(pieces: Sequence[str], *, parallel: bool = True) -> Read:
    parser = ToolCallParser(NAMES, parallel=parallel)
    visible = ""
    calls: dict[int, Called] = {}
    for step in [*(parser.feed(piece) for piece in pieces), parser.flush()]:
        visible += step[0]
        for piece in step[1]:
            call = calls.setdefault(piece.index, Called())
            assert not call.broken, "nothing comes after the piece that says so"
            assert bool(piece.id) == (not call.id), "the id comes once, at the beginning"
            call.id += piece.id
            call.name += piece.name
            call.arguments += piece.arguments
            call.broken = piece.broken
    assert list(calls) == list(range(len(calls)))
    parsed = list(calls.values())
    assert parser.called == any(not call.broken for call in parsed)
    return Read(visible, parsed)


def block(body: str) -> str:
    return f"{OPENING}\n{body}\n{CLOSING}"


def call(name: str, arguments: str = "{}") -> str:
    return block(f'{{"name": "{name}", "arguments": {arguments}}}')


ARGUMENTS = '{"city":"北京",  "days": [1, {"a": "}"}], "note": "\\"</tool_call>\\\\"}'
BROKEN = [
    '{"name": "weather", "arguments": {"city": "Bei',
    '{"name": "weather", "arguments": {"city": "Beijing}}',
    '{"name": "weather", "arguments": {"city": Beijing}}',
    '{"name": "weather", "arguments": {"city": 1}',
    '{"name": "weather", "arguments": {"city": [1}}}',
    '{"name": "weather", "arguments": "Beijing"}',
    '{"name": "weather", "arguments": [1]}',
    '{"name": "weather", "arguments": {}, "name": "weather"}',
    '{"name": "weather", "arguments": {}, "arguments": {}}',
    '{"name": "weather", "parameters": {"city": 1}}',
    '{"name": "weather"}',
    '{"name": "weather", "arguments": {}} and more',
    '{"name": "weather", "arguments": {}}}',
    '{"name" "weather"}',
    '{"name": "wea\nther", "arguments": {}}',
    '{"name": "\\x", "arguments": {}}',
    '{"name": "", "arguments": {}}',
    '{"name": 1, "arguments": {}}',
    '{"arguments": {"city": 1}}',
    '{"arguments": {"city": "',
    "{}",
    "[]",
    "weather(city)",
    "",
]
CASES = [
    "no call at all \n",
    call("weather", ARGUMENTS),
    f"Let me see.\n{call('weather', ARGUMENTS)}\n{call('时间')}",
    f"{call('weather')}\n\nThere.\n",
    f"one {call('weather')} two {call('时间')} three",
    block('{"arguments": {"a": 1}, "name": "weather"}'),
    f"<tool_call <tool_{OPENING} ",
    "a < b and <tool_cal",
    *map(block, BROKEN),
    *(OPENING + body for body in BROKEN),
]


@pytest.mark.parametrize("answer", CASES)
def test_parsing_by_character_equals_parsing_at_once(answer: str) -> None:
    assert read(list(answer)).without_ids == read([answer]).without_ids


bodies = st.one_of(
    st.sampled_from(BROKEN),
    st.recursive(
        st.one_of(st.text(max_size=5), st.integers(), st.just(CLOSING)),
        lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ).map(lambda value: json.dumps({"name": "weather", "arguments": value}, ensure_ascii=False)),
)
answers = st.lists(
    st.one_of(st.sampled_from([OPENING, CLOSING, "<", "\n", "words ", "中"]), bodies.map(block)),
    max_size=5,
).map("".join)


@given(answer=answers, cuts=st.lists(st.integers(0, 300), max_size=12))
def test_where_the_text_is_cut_into_pieces_does_not_matter(answer: str, cuts: list[int]) -> None:
    edges = sorted({0, len(answer), *(min(cut, len(answer)) for cut in cuts)})
    assert read([answer[a:b] for a, b in pairwise(edges)]).without_ids == read([answer]).without_ids


@given(answer=answers)
def test_all_text_except_tags_white_space_and_calls_is_emitted(answer: str) -> None:
    """Valid calls have name and arguments; broken calls keep all of their text."""
    got = read([answer])
    out = got.text + "".join(call.name + call.arguments for call in got.calls)
    for word in ("words", "中", "Beijing", "parameters", "and more", "weather(city)"):
        assert out.count(word) == answer.count(word)


@given(answer=answers)
def test_no_possible_part_of_a_tag_is_emitted(answer: str) -> None:
    final = read([answer]).text
    parser, visible = ToolCallParser(NAMES), ""
    for letter in answer:
        visible += parser.feed(letter)[0]
        assert final.startswith(visible)


@pytest.mark.parametrize(
    "arguments", ["{}", ARGUMENTS, '{ "a":1.0,"b": null }', '{"a": {"b": [[], {}]}}']
)
def test_arguments_are_passed_on_unchanged(arguments: str) -> None:
    (parsed,) = read([call("weather", arguments)]).calls
    assert parsed.arguments == arguments
    assert not parsed.broken


def test_the_name_is_emitted_whole_and_the_arguments_by_character() -> None:
    parser = ToolCallParser(NAMES)
    assert parser.feed(f'{OPENING}\n{{"name": "weat') == ("", [])
    (begun,) = parser.feed('her"')[1]
    assert begun.name == "weather"
    assert re.fullmatch(r"call_[A-Za-z0-9]{24}", begun.id)
    assert parser.feed(', "arguments": ') == ("", [])
    for letter in '{"city": "Bei':
        assert [piece.arguments for piece in parser.feed(letter)[1]] == [letter]


def test_arguments_before_the_name_are_held_back() -> None:
    parser = ToolCallParser(NAMES)
    assert parser.feed(f'{OPENING}{{"arguments": {{"a": 1}}, "name": "weather') == ("", [])
    (piece,) = parser.feed('"}')[1]
    assert (piece.name, piece.arguments) == ("weather", '{"a": 1}')


def test_text_before_between_and_after_calls_is_the_text_of_the_answer() -> None:
    got = read([f"See:\n\n{call('weather')}\n{call('时间')}\nDone.\n"])
    assert got.text == "See:\n\n\n\nDone."
    assert [parsed.name for parsed in got.calls] == ["weather", "时间"]
    assert len({parsed.id for parsed in got.calls}) == 2


def test_white_space_is_removed_around_calls_only() -> None:
    assert read([f"\n{call('weather')}\n{call('时间')}\n"]).text == ""
    assert read([f"\n{call('weather')}\n\nDone."]).text == "Done."
    assert read(["\n so \n"]).text == "\n so \n"


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("ending", [f"\n{CLOSING}", ""], ids=["closed", "cut"])
def test_a_broken_call_is_passed_on_completely(body: str, ending: str) -> None:
    got = read([f"so {OPENING}\n{body}{ending}{' yes' if ending else ''}"])
    (parsed,) = got.calls
    assert parsed.broken
    assert got.text == ("so  yes" if ending else "so")
    if parsed.name:
        assert parsed.name == "weather"
        assert body.replace(" ", "").endswith(parsed.arguments.strip().replace(" ", ""))
    else:
        assert parsed.arguments.strip() == body


def test_invalid_text_is_the_last_piece_of_arguments() -> None:
    (parsed,) = read([block('{"name": "weather", "arguments": {"a": 1}, "b": 2}')]).calls
    assert parsed == Called(parsed.id, "weather", '{"a": 1}, "b": 2}\n', broken=True)


def test_a_broken_call_does_not_affect_the_next() -> None:
    for body in BROKEN:
        got = read([f"{block(body)}\n{call('weather', ARGUMENTS)}"])
        assert [parsed.broken for parsed in got.calls] == [True, False]
        assert got.calls[1].arguments == ARGUMENTS


def test_a_call_of_an_unknown_tool_has_its_name_and_is_broken() -> None:
    (parsed,) = read([call("wether", ARGUMENTS)]).calls
    assert parsed == Called(parsed.id, "wether", ARGUMENTS, broken=True)


@pytest.mark.parametrize("ending", ["", "\n", "\n</tool", "</tool_call"])
def test_a_complete_call_without_its_closing_tag_is_valid(ending: str) -> None:
    (parsed,) = read([f'{OPENING}\n{{"name": "weather", "arguments": {{}}}}{ending}']).calls
    assert parsed == Called(parsed.id, "weather", "{}")


def test_without_parallel_calls_the_answer_ends_after_the_first() -> None:
    got = read([f"a {call('weather')}\n{call('时间')} b"], parallel=False)
    assert got.text == "a"
    assert [parsed.name for parsed in got.calls] == ["weather"]


def test_a_call_without_tags_is_text() -> None:
    for answer in ('{"name": "weather", "arguments": {}}', "```json\n{}\n```"):
        assert read([answer]) == Read(answer, [])


def test_arguments_may_be_long() -> None:
    arguments = json.dumps({"text": "x" * 50_000})
    (parsed,) = read([*call("weather", arguments)]).calls
    assert parsed.arguments == arguments


def test_arguments_nested_too_deeply_are_broken() -> None:
    (parsed,) = read([call("weather", '{"a":' * 10_000 + "1" + "}" * 10_000)]).calls
    assert parsed.broken


def test_an_answer_that_is_calls_or_text_holds_no_call_once_its_text_has_begun() -> None:
    text = f' {{"a": "{call("weather")}"}} '
    for pieces in ([text], list(text)):
        parser = ToolCallParser(NAMES, alone=True)
        steps = [*(parser.feed(piece) for piece in pieces), parser.flush()]
        assert "".join(visible for visible, _ in steps) == text
        assert not any(found for _, found in steps)
    for pieces in ([call("weather")], list(call("weather"))):
        parser = ToolCallParser(NAMES, alone=True)
        assert "".join(parser.feed(piece)[0] for piece in pieces) == ""
        assert parser.called
