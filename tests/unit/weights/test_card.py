from pathlib import Path

import pytest

from engine.weights.card import CARD_NAME, CardFile, ModelCard, read_card, write_card


def test_a_card_reads_as_it_was_written(tmp_path: Path) -> None:
    card = ModelCard(
        name="Qwen2.5-0.5B-Instruct",
        source="huggingface",
        revision="7ae557604adf67be50417f59c2c2f167def9a775",
        licence="Apache-2.0",
        hub_id="Qwen/Qwen2.5-0.5B-Instruct",
        date="2026-11-22",
        files={"config.json": CardFile(size=2, sha256="ab")},
    )
    write_card(tmp_path, card)
    assert read_card(tmp_path) == card


@pytest.mark.parametrize(
    "text", [None, "{", "[]", '{"files": {}}', '{"files": {"a": 1}, "name": ""}']
)
def test_a_folder_without_a_readable_card_is_identified_by_name_and_config(
    tmp_path: Path, text: str | None
) -> None:
    folder = tmp_path / "my-model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    if text is not None:
        (folder / CARD_NAME).write_text(text)
    card = read_card(folder)
    assert (card.name, card.source, card.revision) == ("my-model", "folder", "44136fa355b3")


def test_an_empty_folder_has_a_card_too(tmp_path: Path) -> None:
    assert read_card(tmp_path).revision == ""
