"""The reported scores are those of the visible text, in its order, byte for byte."""

import math

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from chat.errors import BadRequest
from chat.models import Finish
from chat.serving.models import Delta
from chat.tools import TokenScore
from engine.request import Request
from engine.row import Decoding, Row, Score
from engine.scores import LEAST_LOGPROB, ScoreLine
from engine.text import TextStream
from engine.tool_calls import ToolCallParser
from tests.tiny import CONTROL, END, tiny_tokenizer

BACKEND: Tokenizer = tiny_tokenizer().backend_tokenizer
END_ID = BACKEND.encode(END).ids[0]
BEYOND = 1000
"""A model's vocabulary is padded beyond its tokenizer's."""


def read(token_ids: list[int], *stops: str, parser: ToolCallParser | None = None) -> list[Delta]:
    """The deltas of an answer of these tokens, one by one."""
    line = ScoreLine(BACKEND)
    row = Row("row", [1], Decoding(), top_logprobs=0)
    text = TextStream(BACKEND, stops, parser)
    request = Request(row, text, 1000, send=lambda event: None, scores=line)
    deltas = []
    for number, token_id in enumerate(token_ids):
        row.token_ids.append(token_id)
        row.scores.append(Score(-float(number)))
        deltas.append(request.take_tokens({END_ID}))
        if deltas[-1].finish:
            break
    return deltas


def encode(text: str) -> list[int]:
    return list(BACKEND.encode(text).ids)


def scores_of(deltas: list[Delta]) -> list[TokenScore]:
    return [score for delta in deltas for score in delta.scores]


@given(text=st.text(max_size=20), stops=st.lists(st.sampled_from(["ab", "\n\n", "中"]), max_size=2))
@example(text="ab中", stops=[])
def test_the_reported_tokens_bytes_equal_the_visible_text(text: str, stops: list[str]) -> None:
    assume(len(encode(text)) == len(text.encode()))  # a name such as <tool_call> is one token
    deltas = read([*encode(text), END_ID], *stops)
    visible = "".join(delta.text for delta in deltas)
    data = b"".join(score.data for score in scores_of(deltas))
    # The first bytes of a non-ASCII stop string are released before it is recognised.
    assert data.decode(errors="ignore" if "中" in stops else "strict") == visible
    assert [score.logprob for score in scores_of(deltas)] == [-float(n) for n in range(len(data))]


def test_scores_are_released_with_their_text() -> None:
    deltas = read(encode("a<b"), "<>")
    assert [len(delta.scores) for delta in deltas] == [1, 0, 2]
    assert [delta.text for delta in deltas] == ["a", "", "<b"]


def test_a_token_with_a_partial_character_has_its_bytes() -> None:
    scores = scores_of(read(encode("中")))
    assert b"".join(score.data for score in scores) == "中".encode()
    assert [score.token for score in scores] == ["\ufffd"] * 3


def test_tokens_of_a_stop_string_and_the_end_are_not_reported() -> None:
    deltas = read([*encode("ab##c")], "##")
    assert [score.token for score in scores_of(deltas)] == ["a", "b"]
    assert deltas[-1].finish is Finish.STOP
    assert [score.token for score in scores_of(read([*encode("ab"), END_ID]))] == ["a", "b"]


def test_tokens_of_a_call_are_reported_as_they_are_written() -> None:
    written = '<tool_call>{"name": "f", "arguments": {}}</tool_call>'
    deltas = read([*encode(written), END_ID], parser=ToolCallParser({"f"}))
    assert "".join(score.token for score in scores_of(deltas)) == written
    assert {score.token for score in scores_of(deltas)} >= {"<tool_call>", "</tool_call>"}
    assert deltas[-1].finish is Finish.TOOL_CALLS


def test_alternatives_are_reported_with_text_and_bytes() -> None:
    line = ScoreLine(BACKEND)
    best = [(encode("b")[0], -0.5), (encode(CONTROL[0])[0], -1.0), (BEYOND, -math.inf)]
    line.add(encode("a")[0], Score(-2.0, best), begin=0)
    (score,) = line.release(1, 1)
    assert score == TokenScore(
        "a",
        b"a",
        -2.0,
        (
            TokenScore("b", b"b", -0.5),
            TokenScore(CONTROL[0], b"", -1.0),
            TokenScore("", b"", LEAST_LOGPROB),
        ),
    )


@pytest.mark.parametrize("number", [-1, 21])
def test_too_many_top_logprobs_are_refused(number: int) -> None:
    with pytest.raises(BadRequest):
        Row("row", [1], Decoding(), top_logprobs=number)
