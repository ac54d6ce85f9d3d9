"""Converts a body of /v1/responses to domain values. Knows no route and no answer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from starlette.requests import Request

from api.openai.request_parts import ObjectFormat, TextFormat
from api.openai.responses.input_items import (
    CallItem,
    CallResultItem,
    Item,
    MessageItem,
    ReasoningItem,
    text_of,
)
from api.openai.responses.request_models import FunctionTool, ResponsesRequest
from api.openai.to_domain import ROLES, may_be_cached
from chat.errors import BadRequest
from chat.models import ChatMessage, Role, Sampling
from chat.serving.completions import CompletionInput
from chat.tools import Extras, JsonShape, Tool, ToolCall, ToolRules


def response_input(body: ResponsesRequest, request: Request) -> CompletionInput:
    """The completion input. Raises BadRequest if items do not follow from each other."""
    extras = Extras(
        tools=_tools(body),
        rules=ToolRules(
            required=body.call_required,
            names=tuple(sorted(body.allowed_names or ())),
            parallel=body.parallel_tool_calls is not False,
        ),
        shape=_shape(body),
        top_logprobs=(body.top_logprobs or 0) if body.with_scores else None,
    )
    return CompletionInput(
        id=f"resp_{uuid4().hex}",
        prompt=prompt_of_items(body),
        sampling=_sampling(body),
        extras=extras,
        cached=may_be_cached(request),
        remembered=body.store is not False,
    )


def prompt_of_items(body: ResponsesRequest) -> tuple[ChatMessage, ...]:
    """Instructions and items as messages. Raises BadRequest.

    What the assistant said and called before it got a result is one message; the results follow in
    the order of the calls, because the model's template has no ids.
    """
    prompt = _Prompt([ChatMessage(Role.SYSTEM, body.instructions)] if body.instructions else [])
    for number, item in enumerate(_items(body)):
        prompt.take(item, number)
    return prompt.whole()


def _items(body: ResponsesRequest) -> Sequence[Item]:
    if isinstance(body.input, str):
        return [MessageItem(role="user", content=body.input)] if body.input else []
    return body.input or []


@dataclass
class _Prompt:
    """The messages so far, and the assistant's one that may still get calls and results."""

    messages: list[ChatMessage]
    _texts: list[str] = field(default_factory=list)
    _calls: dict[str, ToolCall] = field(default_factory=dict)
    _results: dict[str, ChatMessage] = field(default_factory=dict)
    _is_open: bool = False

    def take(self, item: Item, number: int) -> None:
        if isinstance(item, ReasoningItem):
            return
        if isinstance(item, CallResultItem):
            self._take_result(item, number)
        elif isinstance(item, CallItem):
            self._take_call(item, number)
        elif isinstance(item, MessageItem):
            self._take_message(item)

    def whole(self) -> tuple[ChatMessage, ...]:
        """All messages, once every item has been taken."""
        if self._results.keys() != self._calls.keys():
            raise BadRequest("`input` ends with a function_call that has no function_call_output.")
        self._close()
        return tuple(self.messages)

    def _take_message(self, item: MessageItem) -> None:
        text = text_of(item.content)
        if item.role != "assistant":
            self._close()
            self.messages.append(ChatMessage(ROLES[item.role], text))
            return
        if self._results or not self._calls:
            self._close()
        self._is_open = True
        self._texts.append(text)

    def _take_call(self, item: CallItem, number: int) -> None:
        if self._results:
            self._close()
        if item.call_id in self._calls:
            raise BadRequest(f"input[{number}] is a second call with the same call_id.")
        self._is_open = True
        self._calls[item.call_id] = ToolCall(item.call_id, item.name, item.arguments)

    def _take_result(self, item: CallResultItem, number: int) -> None:
        if item.call_id not in self._calls or item.call_id in self._results:
            raise BadRequest(f"input[{number}] answers no call that stands right before it.")
        self._results[item.call_id] = ChatMessage(Role.TOOL, text_of(item.output))

    def _close(self) -> None:
        if self._is_open:
            text = "\n".join(filter(None, self._texts))
            self.messages.append(ChatMessage(Role.ASSISTANT, text, tuple(self._calls.values())))
            in_order = [self._results.get(call_id) for call_id in self._calls]
            self.messages += [result for result in in_order if result]
        self._texts, self._calls, self._results = [], {}, {}
        self._is_open = False


def _tools(body: ResponsesRequest) -> tuple[Tool, ...]:
    """The tools that may be called; the model is not told of the others."""
    if body.tool_choice == "none":
        return ()
    names = body.allowed_names
    return tuple(
        Tool(
            name=tool.name,
            description=tool.description or "",
            parameters=json.dumps(tool.parameters or {}, ensure_ascii=False),
            strict=tool.strict or False,
        )
        for tool in body.tools or ()
        if isinstance(tool, FunctionTool) and (names is None or tool.name in names)
    )


def _shape(body: ResponsesRequest) -> JsonShape | None:
    shape = body.text.format if body.text else None
    if isinstance(shape, TextFormat | None):
        return None
    if isinstance(shape, ObjectFormat):
        return JsonShape()
    return JsonShape(json.dumps(shape.json_schema, ensure_ascii=False))


def _sampling(body: ResponsesRequest) -> Sampling:
    stop = body.stop or ()
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        repetition_penalty=body.repetition_penalty,
        max_new_tokens=body.max_output_tokens,
        seed=body.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        min_new_tokens=body.min_tokens,
    )
