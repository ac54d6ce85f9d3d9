"""A preset as a file comes in again as it was; the schemas in docs/ are those of the code."""

import json
from typing import Any

import pytest
from hypothesis import given

from chat.conversations.errors import BadImport
from chat.conversations.models import PresetText
from chat.models import Sampling
from formats.preset import read_preset, write_preset
from formats.schema import DOCS, SCHEMAS, schema
from tests.archives import PRESET_TEXTS, unhurried


@unhurried
@given(PRESET_TEXTS)
def test_an_exported_preset_is_imported_unchanged(text: PresetText) -> None:
    assert read_preset(write_preset(text)) == text


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"format": "qwen-chat"}, "format"),
        ({"version": 2}, "version"),
        ({"name": ""}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"system_prompt": "\0"}, "system_prompt"),
        ({"system_prompt": None}, "system_prompt"),
        ({"sampling": {"temperature": 2.1}}, "sampling.temperature"),
        ({"sampling": {"temprature": 1}}, "sampling.temprature"),
        ({"sampling": {"stop": [""]}}, "sampling.stop[0]"),
        ({"questions": ["x"] * 9}, "questions"),
        ({"questions": ["x", 5]}, "questions[1]"),
        ({"language": "fr"}, "language"),
        ({"owner": "me"}, "owner"),
    ],
)
def test_a_broken_field_is_named(change: dict[str, Any], where: str) -> None:
    file = json.loads(write_preset(PresetText("Maths", "Step by step.", Sampling(top_k=5))))
    with pytest.raises(BadImport) as caught:
        read_preset(json.dumps(file | change).encode())
    assert caught.value.values["where"] == where


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"5", b"{}\n{}", b"\xff", b"[" * 50_000])
def test_an_invalid_preset_is_refused(data: bytes) -> None:
    with pytest.raises(BadImport):
        read_preset(data)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_written_schema_matches_the_code(name: str) -> None:
    written = (DOCS / name).read_text(encoding="utf-8")
    assert written == schema(SCHEMAS[name]), "run: python -m formats.schema"
