"""A model folder that was made to keep the engine busy is refused before anything is loaded."""

import json
from pathlib import Path

import pytest

from chat.errors import ModelUnavailable
from engine.loader import check_folder
from engine.prompt import load_tokenizer
from tests.tiny_model import write_tiny_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_tiny_model(tmp_path / "tiny")


@pytest.mark.parametrize("text", ["[" * 200_000 + "]" * 200_000, '{"a":' * 100_000])
def test_a_deep_tokenizer_is_refused_with_a_sentence(folder: Path, text: str) -> None:
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": "x"}))
    (folder / "tokenizer.json").write_text(text)
    with pytest.raises(ModelUnavailable, match=r"tokenizer in .* cannot be read"):
        load_tokenizer(folder)


def test_an_endless_template_is_refused_before_the_tokenizer_is_read(folder: Path) -> None:
    template = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(ModelUnavailable, match="does not end"):
        check_folder(folder)
