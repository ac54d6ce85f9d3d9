"""Attention of a batch, row by row.

transformers' "sdpa" packs the rows of a continuous batch into one sequence and computes every
query against every row's keys, most of which its mask then discards: the cost of a step grows with
rows × all cached tokens. Here each row sees only its own keys.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface, PreTrainedModel

BY_ROW = "flash_by_row"
"""Name in transformers' registry. Names that contain "flash" get row boundaries, others a mask."""


def can_attend_by_row(model: PreTrainedModel) -> bool:
    """Whether `use_attention_by_row` suits `model`: on the CPU, without sliding windows.

    CUDA keeps the library's attention: one kernel for each row and layer would cost more than the
    mask saves. `torch.nn.attention.varlen.varlen_attn` takes the same row boundaries there; it has
    never been run on a GPU here, so it is not used.
    """
    config = model.config
    kinds = getattr(config, "layer_types", None)
    windows = set(kinds) != {"full_attention"} if kinds else getattr(config, "sliding_window", None)
    return model.device.type == "cpu" and not windows


def use_attention_by_row(model: PreTrainedModel) -> None:
    """Make `model` attend by row. From then on it works in a continuous batch only."""
    AttentionInterface.register(BY_ROW, _attention_forward)
    # Not by set_attn_implementation: it looks for a package behind every name with "flash".
    model.config._attn_implementation = BY_ROW


def _attention_forward(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: None,
    **arguments: Any,
) -> tuple[Tensor, None]:
    """Called by each layer: writes the step's keys and values to the cache and attends.

    Tensors are as in `attend_by_row`, `key` and `value` with the step's tokens only. The result has
    the shape [1, tokens, heads, head size].
    """
    # `update` replaces the dict of row boundaries in its last argument by those of this layer.
    keys, values = arguments["cache"].update(key, value, module.layer_idx, arguments)
    query_bounds, key_bounds = (
        arguments[name].tolist() for name in ("cu_seq_lens_q", "cu_seq_lens_k")
    )
    scale: float = arguments["scaling"]
    return attend_by_row(query, keys, values, query_bounds, key_bounds, scale), None


def attend_by_row(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    query_bounds: Sequence[int],
    key_bounds: Sequence[int],
    scale: float,
) -> Tensor:
    """Causal attention of rows that lie one after the other: [1, tokens, heads, head size].

    `query` is [1, heads, tokens, head size], `key` and `value` [1, key heads, keys, head size].
    Row *i* has the queries and keys from bound *i* to bound *i* + 1. Its queries are its newest
    tokens: the last query sees all keys of the row, the one before it all but one.
    """
    _, heads, tokens, size = query.shape
    attended = query.new_empty(1, tokens, heads, size)
    for (first, last), (begin, end) in zip(
        pairwise(query_bounds), pairwise(key_bounds), strict=True
    ):
        attended[:, first:last] = _attend(
            query[:, :, first:last], key[:, :, begin:end], value[:, :, begin:end], scale
        ).transpose(1, 2)
    return attended


def _attend(query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
    """Attention of one row: [1, heads, queries, head size]."""
    queries, keys = query.shape[2], key.shape[2]
    if queries == 1:
        # The heads that share a key head become queries of it, so that no key is copied.
        grouped = query.reshape(1, key.shape[1], -1, query.shape[3])
        return scaled_dot_product_attention(grouped, key, value, scale=scale).reshape(query.shape)
    if queries == keys:
        return scaled_dot_product_attention(
            query, key, value, scale=scale, is_causal=True, enable_gqa=True
        )
    seen = torch.ones(queries, keys, dtype=torch.bool, device=query.device).tril(keys - queries)
    return scaled_dot_product_attention(
        query, key, value, attn_mask=seen, scale=scale, enable_gqa=True
    )
