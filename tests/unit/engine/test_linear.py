"""Linear layers that compute in float32, block by block."""

import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from engine.linear import BLOCK, FEW_ROWS, BlockwiseLinear, use_float32_blocks
from tests.tiny import tiny_model


@pytest.mark.parametrize("rows", [1, FEW_ROWS - 1, FEW_ROWS, 7, 65])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("features", [1, 30, 5000])
def test_blocks_give_what_float32_gives(rows: int, bias: bool, features: int) -> None:
    size = BLOCK // 1024  # blocks of 1024 features for each thread, the last one smaller
    torch.manual_seed(rows)
    layer = nn.Linear(size, features, bias=bias).bfloat16()
    states = torch.randn(1, rows, size).bfloat16()
    with torch.no_grad():
        output = BlockwiseLinear(layer)(states)
        offset = None if layer.bias is None else layer.bias.float()
        expected = linear(states.float(), layer.weight.float(), offset)
    assert output.dtype == torch.bfloat16
    torch.testing.assert_close(output.float(), expected, atol=1e-2, rtol=1e-2)


def test_the_layers_of_a_bfloat16_model_are_replaced_without_a_copy_of_their_weights() -> None:
    model = tiny_model().bfloat16()
    before = {parameter.data_ptr() for parameter in model.parameters()}
    assert use_float32_blocks(model) == 2 * 7 + 1
    assert {parameter.data_ptr() for parameter in model.parameters()} == before
    assert model.lm_head.weight is model.get_input_embeddings().weight
    assert use_float32_blocks(model) == 0


def test_models_in_float32_keep_their_layers() -> None:
    assert use_float32_blocks(tiny_model()) == 0
