"""Gradio's Blocks without the cost of outputs that an update leaves alone."""

import copy
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import convert_component_dict_to_list
from gradio.state_holder import SessionState

SKIPPED = gr.skip()
"""What stands for an output that keeps what it shows."""


class PageBlocks(gr.Blocks):
    """Blocks in which a skipped output costs nothing.

    Gradio 6.31 takes a skipped output for a change of properties: it builds the component again,
    with its config and its JSON schema, for each output of each update. With a dozen outputs and
    ten updates a second that was six sevenths of the processor time of an answer (docs/decisions/
    0024). tests/contract/conversations/test_gradio.py tells when Gradio does without.
    """

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: Any, state: SessionState | None
    ) -> list[Any]:
        """The values to send, one for each output. Gradio calls this with a handler's result."""
        outputs = list(block_fn.outputs)
        values = _one_for_each(outputs, predictions)
        if values is None:  # Gradio says what is wrong with it
            return await super().postprocess_data(block_fn, predictions, state)
        changed = [place for place, value in enumerate(values) if not _is_skipped(value)]
        sent: list[Any] = [gr.skip() for _ in outputs]
        if not changed:
            return sent
        fewer = copy.copy(block_fn)
        fewer.outputs = [outputs[place] for place in changed]
        given = [values[place] for place in changed]
        ready = await super().postprocess_data(fewer, given if len(given) > 1 else given[0], state)
        for place, value in zip(changed, ready, strict=True):
            sent[place] = value
        return sent


def _one_for_each(outputs: Sequence[Any], predictions: Any) -> Sequence[Any] | None:
    """A handler's result as one value for each output; None if it is not that."""
    if isinstance(predictions, dict) and predictions:
        if predictions == SKIPPED:
            return [predictions] * len(outputs)
        predictions = convert_component_dict_to_list(list(outputs), predictions)
    if len(outputs) == 1:
        return [predictions]
    is_list = isinstance(predictions, list | tuple)
    return predictions if is_list and len(predictions) == len(outputs) else None


def _is_skipped(value: object) -> bool:
    return isinstance(value, dict) and value == SKIPPED
