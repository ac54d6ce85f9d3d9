"""The real starter model: from the package index to text."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.weights.card import read_card
from engine.weights.verify import find_problems

pytestmark = pytest.mark.model


def test_the_starter_is_complete_sharded_and_in_bf16(starter_model: Path) -> None:
    assert find_problems(starter_model, hashes=True) == []
    shards = sorted(starter_model.glob("model-*.safetensors"))
    assert len(shards) == 4
    assert all(shard.stat().st_size < 300_000_000 for shard in shards)
    with safe_open(shards[0], framework="pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"BF16"}  # noqa: SIM118


def test_the_starter_has_qwens_own_defaults(starter_model: Path) -> None:
    generation = json.loads((starter_model / "generation_config.json").read_text())
    assert generation["eos_token_id"] == [151645, 151643]
    assert generation["pad_token_id"] == 151643
    assert (generation["temperature"], generation["top_p"], generation["top_k"]) == (0.7, 0.8, 20)
    assert generation["repetition_penalty"] == 1.1
    assert json.loads((starter_model / "config.json").read_text())["tie_word_embeddings"] is True


def test_the_starter_names_its_model_and_licence(starter_model: Path) -> None:
    card = read_card(starter_model)
    if card.source == "folder":
        pytest.skip("QWEN_CHAT_TEST_MODEL names a folder without a card")
    assert (card.name, card.licence) == ("Qwen2.5-Coder-0.5B-Instruct", "Apache-2.0")
    assert card.is_starter


def test_the_starter_predicts_text_well(starter_model: Path) -> None:
    tokenizer: Any = AutoTokenizer.from_pretrained(starter_model)
    model: Any = AutoModelForCausalLM.from_pretrained(starter_model, dtype=torch.bfloat16)
    assert model.num_parameters() == 494_032_768
    assert tokenizer.model_max_length == 32768
    ids = tokenizer("The capital of France is Paris. 法国的首都是巴黎。", return_tensors="pt")
    with torch.inference_mode():
        loss = model(**ids, labels=ids["input_ids"]).loss.item()
    assert loss < 6, "nats per token; weights in a wrong order give about 12"
