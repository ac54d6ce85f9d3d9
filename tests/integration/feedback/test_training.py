"""The files for training are read by the libraries that train."""

from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset
from trl.trainer.dpo_config import DPOConfig
from trl.trainer.dpo_trainer import DPOTrainer
from trl.trainer.sft_config import SFTConfig
from trl.trainer.sft_trainer import SFTTrainer

from chat.feedback.models import RatedAnswer, RatingInput, ReviewState, Verdict
from chat.feedback.result_models import RatingFilter
from chat.models import ChatMessage, Role
from formats.datasets import DataFormat, data_file
from tests.rated import DOWN, UP, rated, voted_comparison, written
from tests.tiny import tiny_model, tiny_tokenizer

PROMPT = (
    ChatMessage(Role.USER, "第一个问题?\u2028"),
    ChatMessage(Role.ASSISTANT, "第一个回答。\n\n```python\nprint('hi')\n```"),
    ChatMessage(Role.USER, "And then? 👋🏽"),
)
CORRECTED = RatingInput(Verdict.DOWN, correction="It should have been this.\n应该是这样。")
ITEMS: tuple[RatedAnswer, ...] = (
    rated("liked", UP, prompt=PROMPT, answer="A good answer 好"),
    rated("disliked", DOWN, prompt=PROMPT, answer="A bad answer"),
    rated("corrected", CORRECTED, answer="Nearly"),
    rated("reviewed", DOWN, state=ReviewState.USABLE, answer="Fine after all"),
)
SETTINGS: dict[str, Any] = {
    "use_cpu": True,
    "bf16": False,
    "report_to": "none",
    "per_device_train_batch_size": 3,
    "activation_checkpointing": False,
    "dataloader_pin_memory": False,
}


def load(kind: DataFormat, folder: Path) -> Dataset:
    """What `datasets` makes of a file of ours."""
    path = folder / f"data{kind.suffix}"
    path.write_bytes(
        written(data_file(kind, RatingFilter()), *ITEMS, voted_comparisons=(voted_comparison(),))
    )
    loaded = load_dataset("json", data_files=str(path), split="train", cache_dir=str(folder))
    assert isinstance(loaded, Dataset)
    return loaded


def batch_of(trainer: SFTTrainer | DPOTrainer) -> dict[str, Any]:
    batch: dict[str, Any] = next(iter(trainer.get_train_dataloader()))
    return batch


def test_conversations_become_a_batch_to_train_on(tmp_path: Path) -> None:
    loaded = load(DataFormat.SFT, tmp_path)
    assert loaded["source"] == ["liked", "correction", "reviewed"]
    tokenizer = tiny_tokenizer()
    trainer = SFTTrainer(
        model=tiny_model(),
        args=SFTConfig(output_dir=str(tmp_path), **SETTINGS),
        train_dataset=loaded,
        processing_class=tokenizer,
    )
    batch = batch_of(trainer)
    texts = tokenizer.batch_decode(batch["input_ids"])
    assert len(texts) == 3
    assert any("第一个问题" in text and "A good answer 好<|im_end|>" in text for text in texts)
    assert any("应该是这样。<|im_end|>" in text for text in texts)
    assert (batch["labels"] != -100).any()


def test_a_file_without_lines_cannot_be_loaded_which_is_why_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.dpo.jsonl"
    path.write_bytes(b"")
    with pytest.raises(StopIteration):
        load_dataset("json", data_files=str(path), split="train", cache_dir=str(tmp_path))


def test_pairs_become_a_batch_to_train_on(tmp_path: Path) -> None:
    loaded = load(DataFormat.DPO, tmp_path)
    assert sorted(loaded["source"]) == ["correction", "versions", "vote"]
    tokenizer = tiny_tokenizer()
    trainer = DPOTrainer(
        model=tiny_model(),
        ref_model=tiny_model(),
        args=DPOConfig(output_dir=str(tmp_path), **SETTINGS),
        train_dataset=loaded,
        processing_class=tokenizer,
    )
    texts = tokenizer.batch_decode(batch_of(trainer)["input_ids"])
    assert len(texts) == 6  # three chosen, then three rejected
    for good, bad in (("好", "A bad"), ("应该是这样", "Nearly"), ("This", "That")):
        assert any(good in text for text in texts[:3])
        assert any(bad in text for text in texts[3:])
