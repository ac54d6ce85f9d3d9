"""A model small enough for every test: two random layers, byte-level tokens, Qwen's chat format.

Saved as sharded safetensors and loaded like a real one. Its text is meaningless, but its output
depends on every token of the prompt.
"""

from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import GenerationConfig, PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

CONTROL = ("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<tool_call>", "</tool_call>")
END = "<|im_end|>"
TEMPLATE = (
    "{% if tools %}"
    "<|im_start|>system\n"
    "{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}"
    "Write <tool_call></tool_call>.<|im_end|>\n"
    "{% endif %}"
    "{% for message in messages %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% for call in message.tool_calls or () %}"
    """\n<tool_call>\n{"name": "{{ call.function.name }}", """
    """"arguments": {{ call.function.arguments | tojson }}}\n</tool_call>"""
    "{% endfor %}"
    "<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token for each byte, and Qwen's control tokens; only `<tool_call>` is not special."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: place for place, letter in enumerate(alphabet)}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_tokens(
        [AddedToken(token, special="tool" not in token, normalized=False) for token in CONTROL]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        eos_token=END,
        pad_token="<|endoftext|>",
        chat_template=TEMPLATE,
    )


def tiny_config(vocabulary: int = 261) -> Qwen2Config:
    """With initializer_range 0.3 the output depends on the whole prompt; with the default, not."""
    config = Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=4096,
        initializer_range=0.3,
        tie_word_embeddings=True,
    )
    config._attn_implementation = "sdpa"
    return config


def tiny_model(vocabulary: int = 261) -> Qwen2ForCausalLM:
    """The same weights every time, in float32."""
    torch.set_num_threads(1)  # more threads slow down so little work
    torch.manual_seed(0)
    model: Qwen2ForCausalLM = Qwen2ForCausalLM(tiny_config(vocabulary)).float().eval()
    return model


def save_tiny_model(folder: Path) -> Path:
    """Write model and tokenizer as on a hub: bf16, several shards."""
    tokenizer = tiny_tokenizer()
    model = tiny_model().bfloat16()
    model.generation_config = GenerationConfig(
        do_sample=True,
        temperature=0.7,
        top_p=0.8,
        top_k=20,
        repetition_penalty=1.1,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model.save_pretrained(folder, max_shard_size="100KB")
    tokenizer.save_pretrained(folder)
    return folder
