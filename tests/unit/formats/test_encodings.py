"""Encodings of files: each line of the corpus is a text, its encoding, and what is found.

`codec` is Python's name, `encoding` that of the WHATWG. `language` is that of the page.
"""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.encodings import MAX_SAMPLE, encoding_of

CORPUS = Path(__file__).parents[2] / "corpora" / "encodings.jsonl"
FILES = [json.loads(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    "entry", FILES, ids=[f"{entry['codec']} {entry['text'][:20]!r}" for entry in FILES]
)
def test_the_encoding_of_a_short_file_is_found(entry: dict[str, str]) -> None:
    sample = entry["text"].encode(entry["codec"])
    assert encoding_of(sample, entry.get("language", "")) == entry["encoding"]


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00\x00\x00\x01\x00\x08\x06\x00\x00\x00",
        b"PK\x03\x04\x14\x00\x00\x00\x08\x00\xd5\x8a\xcd\x58\x9c\x1f\x2b\x00",
        b"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x3e\x00",
        b"\x00\x01",
        b"\x00" * 64,
        random.Random(1).randbytes(4096),
    ],
    ids=["png", "zip", "elf", "two bytes", "zeros", "random"],
)
def test_bytes_that_are_no_text_have_no_encoding(data: bytes) -> None:
    assert encoding_of(data) == ""


@given(st.binary(max_size=200))
def test_any_bytes_have_an_encoding_or_none(data: bytes) -> None:
    assert isinstance(encoding_of(data), str)


def test_only_the_beginning_of_a_large_sample_is_read() -> None:
    assert encoding_of(b"a" * MAX_SAMPLE + "é".encode("latin-1")) == encoding_of(b"a")
