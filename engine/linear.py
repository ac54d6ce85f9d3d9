"""Linear layers of bfloat16 models on processors without bfloat16 instructions.

PyTorch multiplies bfloat16 matrices number by number there: reading a prompt takes seven times as
long as in float32. Here a block of the weights is converted to float32, used for all rows of the
step and forgotten. It stays in the processor's cache, so no second copy of the weights is held, and
an output head that is tied to the embeddings stays tied.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

FEW_ROWS = 4
"""With fewer rows the conversion takes longer than it saves."""
BLOCK = 2**19
"""Numbers in a block, for each thread: 2 MiB in float32."""


def has_bfloat16() -> bool:
    """Whether PyTorch has fast bfloat16 products on this processor."""
    backend: Any = torch.backends.mkldnn  # its functions have no types
    supported: bool = backend.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return supported


def use_float32_blocks(model: nn.Module) -> int:
    """Replace the bfloat16 linear layers of `model`. Returns how many there were.

    Sub-classes of `nn.Linear` are left: their weights are packed.
    """
    found = [
        (name, module)
        for name, module in model.named_modules()
        if type(module) is nn.Linear and module.weight.dtype == torch.bfloat16
    ]
    for name, module in found:
        model.set_submodule(name, BlockwiseLinear(module))
    return len(found)


class BlockwiseLinear(nn.Module):
    """The same as `layer`, with products and sums in float32. Shares its weights."""

    def __init__(self, layer: nn.Linear) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, states: Tensor) -> Tensor:
        features, size = self.weight.shape
        if states.numel() < FEW_ROWS * size:
            return linear(states, self.weight, self.bias)
        wide = states.float()
        output = states.new_empty(*states.shape[:-1], features)
        step = max(1, BLOCK * torch.get_num_threads() // size)
        for begin in range(0, features, step):
            block = slice(begin, begin + step)
            bias = None if self.bias is None else self.bias[block].float()
            output[..., block] = linear(wide, self.weight[block].float(), bias)
        return output
