"""Items of a response, whatever pieces its text comes in."""

import json
from itertools import count

import pytest

from api.openai.responses.output import Output
from api.openai.responses.response_models import OutputMessage
from chat.models import Finish
from chat.serving.models import Delta
from engine.tool_calls import ToolCallParser

ANSWERS = {
    "calls between text": (
        'One.<tool_call>{"name": "f", "arguments": {"a": 1}}</tool_call>Two.'
        '<tool_call>{"arguments": {}, "name": "g"}</tool_call> Three.',
        ["One.", ("f", {"a": 1}), "Two.", ("g", {}), " Three."],
    ),
    "calls alone": (
        '<tool_call>{"name": "f", "arguments": {}}</tool_call>\n'
        '<tool_call>{"name": "g", "arguments": {}}</tool_call>',
        [("f", {}), ("g", {})],
    ),
    "a call without a name between calls": (
        '<tool_call>{"name": "f", "arguments": {}}</tool_call><tool_call>?</tool_call>'
        '<tool_call>{"name": "g", "arguments": {}}</tool_call>',
        [("f", {}), "<tool_call>?</tool_call>", ("g", {})],
    ),
    "text alone": ("Hello, world.", ["Hello, world."]),
    "nothing": ("", [""]),
}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 8, 13])
@pytest.mark.parametrize(("answer", "items"), ANSWERS.values(), ids=ANSWERS)
def test_items_are_the_same_in_whatever_pieces_an_answer_comes(
    answer: str, items: list[object], size: int
) -> None:
    parser, output = ToolCallParser({"f", "g"}), Output(count())
    pieces = [parser.feed(answer[start : start + size]) for start in range(0, len(answer), size)]
    for text, calls in [*pieces, parser.flush()]:
        list(output.take(Delta(text=text, calls=tuple(calls))))
    list(output.take(Delta(finish=Finish.STOP)))
    found = [
        item.content[0].text
        if isinstance(item, OutputMessage)
        else (item.name, json.loads(item.arguments))
        for item in output.items
    ]
    assert found == items
    assert {item.status for item in output.items} == {"completed"}


def test_a_broken_call_keeps_what_was_written_of_it() -> None:
    parser, output = ToolCallParser({"f"}), Output(count())
    for letter in '<tool_call>{"name": "f", "arguments": {"a": ]}</tool_call>Sorry.':
        text, calls = parser.feed(letter)
        list(output.take(Delta(text=text, calls=tuple(calls))))
    list(output.take(Delta(finish=Finish.STOP)))
    assert [item.status for item in output.items] == ["incomplete", "completed"]
