"""Model folders that would keep a library busy or take all memory are refused in a sentence."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.weights.bounds import MAX_DEPTH, MAX_HEADER_BYTES, MAX_TEMPLATE_BYTES, nesting_of
from engine.weights.card import read_card
from engine.weights.resolve import checked_folder
from engine.weights.templates import check_templates
from engine.weights.verify import find_problems
from tests.tiny_model import SHARDS, write_tiny_model

DEEP = "[" * 200_000 + "]" * 200_000

QWEN = """{%- if tools %}{{- tools | tojson }}{%- endif %}
{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' + message.content }}
{%- if message.role == 'tool' %}{%- break %}{%- endif %}{%- endfor %}
{% generation %}{{ 'x' }}{% endgeneration %}"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny")


def long_header(folder: Path) -> None:
    shard = folder / SHARDS[0]
    shard.write_bytes(struct.pack("<Q", MAX_HEADER_BYTES + 1) + shard.read_bytes()[8:])


@pytest.mark.parametrize(
    ("spoil", "file", "what"),
    [
        *(
            (lambda folder, name=name: (folder / name).write_text(DEEP), name, "levels")
            for name in (
                "config.json",
                "generation_config.json",
                "tokenizer_config.json",
                "model.safetensors.index.json",
                "model-card.json",
            )
        ),
        (long_header, SHARDS[0], "its header is larger than 16 MiB"),
        (
            lambda folder: (folder / "chat_template.jinja").write_text(
                "x" * (MAX_TEMPLATE_BYTES + 1)
            ),
            "chat_template.jinja",
            "larger than 256 KiB",
        ),
        *(
            (
                lambda folder, name=name: (folder / "config.json").write_text(
                    json.dumps({"model_type": "qwen2", name: 10**12})
                ),
                "config.json",
                name,
            )
            for name in ("num_hidden_layers", "vocab_size", "hidden_size")
        ),
    ],
)
def test_a_file_beyond_its_bounds_is_named_with_the_fault(
    folder: Path, spoil: Callable[[Path], object], file: str, what: str
) -> None:
    spoil(folder)
    with pytest.raises(ModelUnavailable) as caught:
        checked_folder(folder)
    assert f"{file}: " in str(caught.value)
    assert what in str(caught.value)


def test_a_deep_card_is_replaced_as_a_damaged_one_is(folder: Path) -> None:
    (folder / "model-card.json").write_text(DEEP)
    assert read_card(folder).name == "tiny"


def test_levels_are_counted_only_outside_strings() -> None:
    assert nesting_of(json.dumps({"a": ["[[[[", '\\"[[', {}]}).encode()) == 3
    assert nesting_of(b'"' + rb"\"[" * 100_000) == 0  # an unterminated string
    assert nesting_of(b"[" * (MAX_DEPTH + 1)) == MAX_DEPTH + 1


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{{ 'x' * 99999 }}{% endfor %}",
        "{{ 'x' * 10**11 }}",
        "{{ 9 ** (9**9) }}",
    ],
)
def test_a_template_that_does_not_end_is_refused(folder: Path, template: str) -> None:
    for name, text in (
        ("chat_template.jinja", template),
        ("tokenizer_config.json", json.dumps({"chat_template": template})),
    ):
        (folder / name).write_text(text)
        with pytest.raises(ModelUnavailable, match="does not end"):
            check_templates(folder)
        (folder / name).unlink()


@pytest.mark.parametrize("template", [QWEN, "{% broken", "{{ raise_exception('no') }}"])
def test_other_templates_are_left_to_the_tokenizer(folder: Path, template: str) -> None:
    (folder / "chat_template.jinja").write_text(template)
    check_templates(folder)
    assert find_problems(folder) == []
