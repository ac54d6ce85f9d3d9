"""Decoding of text: no partial character, no part of a stop string, nothing lost."""

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.stop_strings import StopFilter
from engine.text import REPLACEMENT, TextStream
from tests.tiny import END, tiny_tokenizer

BACKEND: Tokenizer = tiny_tokenizer().backend_tokenizer
PIECES = ["a", "b", "中", "文字", "é", "e\u0301", "👨‍👩‍👧", "😀", "🇨🇳", "़", " ", "\n", "ab", "aab"]
texts = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
stop_strings = st.lists(st.sampled_from(["ab", "aab", "b中", "文字a", "👧", "\n\n"]), max_size=3)


def tokens(text: str) -> list[int]:
    """One token per byte, so every character of more than one byte is split."""
    return BACKEND.encode(text, add_special_tokens=False).ids


def stream(token_ids: Sequence[int], stops: Sequence[str] = ()) -> list[str]:
    text = TextStream(BACKEND, stops)
    deltas = []
    for token_id in token_ids:
        deltas.append(text.feed(token_id).text)
        if text.stopped:
            return deltas
    return [*deltas, text.flush().text]


def cut_at_first_stop(text: str, stops: Sequence[str]) -> str:
    """A reference implementation: cut where the first stop string is complete."""
    for end in range(len(text) + 1):
        for stop in sorted(stops, key=len, reverse=True):
            if text[:end].endswith(stop):
                return text[: end - len(stop)]
    return text


@given(text=texts, stops=stop_strings)
def test_the_joined_deltas_are_the_text_up_to_the_first_stop_string(
    text: str, stops: list[str]
) -> None:
    assert "".join(stream(tokens(text), stops)) == cut_at_first_stop(text, stops)


@given(token_ids=st.lists(st.integers(0, 255), max_size=40))
def test_streamed_bytes_equal_the_complete_decoding_without_replacement_characters(
    token_ids: list[int],
) -> None:
    decoded: str = BACKEND.decode(token_ids)
    assert "".join(stream(token_ids)) == decoded.replace(REPLACEMENT, "")


@given(text=texts, stops=stop_strings, cuts=st.lists(st.integers(0, 60), max_size=8))
def test_where_the_text_is_cut_into_tokens_does_not_matter(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    edges = sorted({0, len(text), *(min(cut, len(text)) for cut in cuts)})
    stop_filter = StopFilter(stops)
    emitted = [stop_filter.feed(text[begin:end]) for begin, end in pairwise(edges)]
    tail = "" if stop_filter.stopped else stop_filter.flush()
    assert "".join(emitted) + tail == cut_at_first_stop(text, stops)


@given(text=texts, stops=stop_strings)
def test_no_prefix_of_a_stop_string_is_emitted(text: str, stops: list[str]) -> None:
    """Every partial output is a prefix of the final output."""
    final = cut_at_first_stop(text, stops)
    emitted = ""
    for delta in stream(tokens(text), stops):
        emitted += delta
        assert final.startswith(emitted)


def test_only_a_partial_character_at_the_end_is_dropped() -> None:
    assert "".join(stream(tokens("ok 中")[:-1])) == "ok "


def test_control_tokens_are_not_emitted() -> None:
    end = BACKEND.encode(END).ids[0]
    assert "".join(stream([*tokens("a"), end, *tokens("b")])) == "ab"
