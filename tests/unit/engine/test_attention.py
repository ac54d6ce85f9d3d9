"""Attention by row equals one masked attention over all rows."""

from collections.abc import Sequence
from itertools import accumulate

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention
from transformers import Qwen2ForCausalLM

from engine.attention import attend_by_row, can_attend_by_row
from tests.tiny import tiny_config, tiny_model

SCALE = 0.3
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 3e-2, torch.float16: 4e-3}

lengths = st.tuples(st.integers(0, 90), st.sampled_from((1, 1, 2, 3, 16, 33)))
"""The cached and the new tokens of a row."""


def with_a_mask(
    query: Tensor, key: Tensor, value: Tensor, rows: Sequence[tuple[int, int]]
) -> Tensor:
    """Every query against all rows' keys, in float32; the mask leaves those it may see."""
    row_of_query = torch.tensor([row for row, (_, new) in enumerate(rows) for _ in range(new)])
    row_of_key = torch.tensor([row for row, sizes in enumerate(rows) for _ in range(sum(sizes))])
    query_place = torch.tensor([old + place for old, new in rows for place in range(new)])
    key_place = torch.tensor([place for sizes in rows for place in range(sum(sizes))])
    mask = (row_of_query[:, None] == row_of_key) & (query_place[:, None] >= key_place)
    copies = query.shape[1] // key.shape[1]
    keys, values = (states.float().repeat_interleave(copies, 1) for states in (key, value))
    attended = scaled_dot_product_attention(
        query.float(), keys, values, attn_mask=mask, scale=SCALE
    )
    return attended.transpose(1, 2)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(lengths, min_size=1, max_size=6),
    key_heads=st.integers(1, 3),
    group=st.integers(1, 4),
    size=st.sampled_from((8, 64)),
    dtype=st.sampled_from(list(TOLERANCE)),
    seed=st.integers(0, 2**32 - 1),
)
def test_rows_get_what_a_mask_over_all_rows_gives_them(
    rows: list[tuple[int, int]],
    key_heads: int,
    group: int,
    size: int,
    dtype: torch.dtype,
    seed: int,
) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries = [0, *accumulate(new for _, new in rows)]
    keys = [0, *accumulate(old + new for old, new in rows)]

    def states(heads: int, tokens: int) -> Tensor:
        # The cache is laid out by token, so that the heads of a key are not contiguous.
        return torch.randn(1, tokens, heads, size, generator=generator).to(dtype).transpose(1, 2)

    query = states(key_heads * group, queries[-1])
    key, value = states(key_heads, keys[-1]), states(key_heads, keys[-1])
    attended = attend_by_row(query, key, value, queries, keys, SCALE)
    assert attended.shape == (1, queries[-1], key_heads * group, size)
    assert attended.dtype == dtype
    expected = with_a_mask(query, key, value, rows)
    torch.testing.assert_close(
        attended.float(), expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype]
    )


def test_only_models_with_full_attention_attend_by_row() -> None:
    windowed = tiny_config()
    windowed.layer_types = ["full_attention", "sliding_attention"]
    windowed.sliding_window = 64
    assert can_attend_by_row(tiny_model())
    assert not can_attend_by_row(Qwen2ForCausalLM(windowed))
