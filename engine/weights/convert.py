"""Converts a GGUF file to an ordinary model folder: sharded safetensors, tokenizer, defaults.

Works around transformers' limits for GGUF files; knows nothing of where the file came from.
Importing this module imports torch, which takes seconds.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    GgufConfig,
    PreTrainedModel,
)
from transformers.utils import logging

IM_END, END_OF_TEXT = 151645, 151643
MODEL_MAX_LENGTH = 32768
SHARD_SIZE = "260MB"


def convert_gguf(gguf: Path, folder: Path, on_progress: Callable[[float, str], None]) -> None:
    """Write the Qwen2.5-0.5B of `gguf` into `folder`, in bf16.

    `on_progress` gets the share done (0–1), by the measured time of each step, and its name.
    """
    logging.disable_progress_bar()
    on_progress(0.0, "tokenizer")
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    tokenizer.model_max_length = MODEL_MAX_LENGTH
    tokenizer.save_pretrained(folder)

    on_progress(0.25, "weights")
    # Without dequantize=True transformers keeps the weights packed, and cannot save them.
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(gguf_file=gguf.name, dequantize=True),
    )
    tie_to_better_embeddings(model)
    model.generation_config = generation_defaults()

    on_progress(0.9, "saving")
    model.save_pretrained(folder, max_shard_size=SHARD_SIZE)
    on_progress(1.0, "saved")


def tie_to_better_embeddings(model: PreTrainedModel) -> None:
    """Use the output embeddings as input embeddings, as Qwen2.5-0.5B does.

    The GGUF holds both: the output embeddings in eight bits, the input embeddings in five.
    """
    model.get_input_embeddings().weight = model.get_output_embeddings().weight
    model.config.tie_word_embeddings = True
    model.tie_weights()


def generation_defaults() -> GenerationConfig:
    """Qwen's generation_config.json for 0.5B, which a GGUF file does not contain."""
    return GenerationConfig(
        bos_token_id=END_OF_TEXT,
        eos_token_id=[IM_END, END_OF_TEXT],
        pad_token_id=END_OF_TEXT,
        do_sample=True,
        temperature=0.7,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.1,
    )
