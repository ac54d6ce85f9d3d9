"""Gradio's Blocks without the cost of components that are built again for each update."""

import copy
from collections.abc import Sequence
from typing import Any, TypeGuard

import gradio as gr
from gradio.block_function import BlockFunction
from gradio.blocks import convert_component_dict_to_list
from gradio.components import Component
from gradio.components.base import _Keywords
from gradio.data_classes import GradioModel, GradioRootModel
from gradio.state_holder import SessionState

SKIPPED = gr.skip()
"""The value for an output that does not change."""

DISPLAY_PROPERTIES = frozenset({"__type__", "info", "label", "placeholder", "value", "visible"})
"""Properties that only the browser uses: they do not affect how values are processed."""


class PageBlocks(gr.Blocks):
    """Blocks that send values and labels without building a component for them.

    Gradio 6.31 takes a skipped output for a change of properties, and for each change builds the
    component again, with its config and its JSON schema (30 ms for a chatbot), in each session.
    With a dozen outputs and ten updates a second that was six sevenths of the processor time of an
    answer (docs/decisions/0024). It also hands each value to a thread, and looks through it for
    files, of which this page has none. tests/contract/conversations/test_gradio.py compares what
    is sent, and fails once Gradio no longer needs this.
    """

    async def postprocess_data(
        self, block_fn: BlockFunction, predictions: Any, state: SessionState | None
    ) -> list[Any]:
        """The values to send, one for each output. Gradio calls this with a handler's result."""
        outputs = list(block_fn.outputs)
        values = _one_for_each(outputs, predictions)
        if values is None:  # Gradio reports the error
            return await super().postprocess_data(block_fn, predictions, state)
        plain = [_is_plain(*pair) for pair in zip(outputs, values, strict=True)]
        sent = [
            _sent(output, value) if is_plain else None
            for output, value, is_plain in zip(outputs, values, plain, strict=True)
        ]
        places = [place for place, is_plain in enumerate(plain) if not is_plain]
        if places:
            others = copy.copy(block_fn)
            others.outputs = [outputs[place] for place in places]
            remaining = [values[place] for place in places]
            made = await super().postprocess_data(
                others, remaining if len(remaining) > 1 else remaining[0], state
            )
            for place, value in zip(places, made, strict=True):
                sent[place] = value
        return sent


def _one_for_each(outputs: Sequence[Any], predictions: Any) -> Sequence[Any] | None:
    """A handler's result as one value for each output; None if it has another form."""
    if isinstance(predictions, dict) and predictions:
        if predictions == SKIPPED:
            return [predictions] * len(outputs)
        predictions = convert_component_dict_to_list(list(outputs), predictions)
    if len(outputs) == 1:
        return [predictions]
    is_list = isinstance(predictions, list | tuple)
    return predictions if is_list and len(predictions) == len(outputs) else None


def _is_plain(output: object, value: object) -> bool:
    """Whether the component of the layout can serialise the value itself."""
    if not isinstance(output, Component) or output.stateful or isinstance(value, Component):
        return False
    return not _is_update(value) or value.keys() <= DISPLAY_PROPERTIES


def _is_update(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it was made by gr.update or gr.skip."""
    return isinstance(value, dict) and value.get("__type__") == "update"


def _sent(output: Any, value: Any) -> Any:
    """The value that is sent to the browser for an output."""
    if value is _Keywords.FINISHED_ITERATING:
        return None
    if not _is_update(value):
        return _serialised(output, value)
    sent = {key: item for key, item in value.items() if item is not None}
    if "value" in value:
        sent["value"] = _serialised(output, value["value"])
    return sent


def _serialised(output: Any, value: Any) -> Any:
    made = output.postprocess(value)
    return made.model_dump() if isinstance(made, GradioModel | GradioRootModel) else made
