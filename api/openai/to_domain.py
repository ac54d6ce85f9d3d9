"""Converts request bodies to domain values. Knows no route and no answer."""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from starlette.requests import Request

from api.openai.request_models import ChatRequest, CompletionRequest
from api.openai.request_parts import (
    AssistantTurn,
    Common,
    Content,
    NamedTool,
    ObjectFormat,
    SchemaFormat,
    ToolDefinition,
    ToolTurn,
    Turn,
)
from api.openai.side_calls import bound_side_call
from chat.errors import BadRequest
from chat.models import ChatMessage, Role, Sampling
from chat.serving.completions import CompletionInput
from chat.tools import Extras, JsonShape, Tool, ToolCall, ToolRules

ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


def chat_input(body: ChatRequest, request: Request) -> CompletionInput:
    """The completion input. Raises BadRequest if messages are inconsistent."""
    prompt = prompt_of(body.messages)
    extras = Extras(
        tools=tools_of(body.tools) if body.tool_choice != "none" else (),
        rules=_rules(body),
        shape=_shape(body),
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )
    if prompt[-1].role is Role.ASSISTANT and (extras.tools or extras.shape):
        raise BadRequest("An answer that is continued takes no tools and no response_format.")
    sampling = _sampling(body, body.max_completion_tokens)
    return CompletionInput(
        id=f"chatcmpl-{uuid4().hex}",
        prompt=prompt,
        sampling=bound_side_call(sampling, prompt, stream=body.stream),
        extras=extras,
        cached=may_be_cached(request),
        remembered=body.store is not False,
    )


def text_input(body: CompletionRequest, request: Request) -> CompletionInput:
    return CompletionInput(
        id=f"cmpl-{uuid4().hex}",
        prompt=body.text,
        sampling=_sampling(body),
        extras=Extras(top_logprobs=body.logprobs),
        cached=may_be_cached(request),
        remembered=body.store is not False,
    )


def may_be_cached(request: Request) -> bool:
    """Whether the response cache may be read and written: no `no-store` or `no-cache`."""
    directives = ",".join(request.headers.getlist("cache-control")).lower()
    return not {"no-store", "no-cache"} & {word.strip() for word in directives.split(",")}


def prompt_of(turns: Sequence[Turn]) -> tuple[ChatMessage, ...]:
    """The conversation as domain messages; a last assistant message is partial. Raises BadRequest.

    The template has no call ids, so the results of parallel calls are put in the calls' order.
    """
    prompt: list[ChatMessage] = []
    results: dict[int, ChatMessage] = {}
    order: dict[str, int] = {}
    for number, turn in enumerate(turns):
        if isinstance(turn, ToolTurn):
            if turn.tool_call_id not in order:
                raise BadRequest(f"messages[{number}] answers no call of the turn before it.")
            results[order.pop(turn.tool_call_id)] = ChatMessage(Role.TOOL, _text(turn.content))
            continue
        prompt += _in_order(results)
        results = {}
        prompt.append(_message_of(turn, number))
        order = {call.id: place for place, call in enumerate(prompt[-1].calls)}
    prompt += _in_order(results)
    if prompt[-1].calls:
        raise BadRequest("The last message asks for calls that have no results.")
    if prompt[-1].role is Role.ASSISTANT and not prompt[-1].content:
        raise BadRequest("The last message is an empty answer: there is nothing to go on with.")
    if prompt[-1].role is Role.ASSISTANT:
        prompt[-1] = replace(prompt[-1], partial=True)
    return tuple(prompt)


def tools_of(definitions: Sequence[ToolDefinition] | None) -> tuple[Tool, ...]:
    """The tools. Raises BadRequest if two have the same name."""
    tools = tuple(
        Tool(
            name=definition.function.name,
            description=definition.function.description or "",
            parameters=_json(definition.function.parameters or {}),
            strict=definition.function.strict or False,
        )
        for definition in definitions or ()
    )
    if len({tool.name for tool in tools}) < len(tools):
        raise BadRequest("Two tools have the same name.")
    return tools


def _message_of(turn: Turn, number: int) -> ChatMessage:
    if not isinstance(turn, AssistantTurn):
        return ChatMessage(ROLES[turn.role], _text(turn.content))
    if turn.content is None and not turn.tool_calls:
        raise BadRequest(f"messages[{number}] has neither content nor tool_calls.")
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        for call in turn.tool_calls or ()
    )
    if len({call.id for call in calls}) < len(calls):
        raise BadRequest(f"messages[{number}] has two calls with the same id.")
    return ChatMessage(Role.ASSISTANT, _text(turn.content), calls)


def _in_order(results: dict[int, ChatMessage]) -> list[ChatMessage]:
    return [results[place] for place in sorted(results)]


def _text(content: Content | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text for part in content)


def _sampling(body: Common, max_completion_tokens: int | None = None) -> Sampling:
    stop = body.stop or ()
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        repetition_penalty=body.repetition_penalty,
        max_new_tokens=body.max_tokens or max_completion_tokens,
        seed=body.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        min_new_tokens=body.min_tokens,
    )


def _rules(body: ChatRequest) -> ToolRules:
    choice = body.tool_choice
    return ToolRules(
        required=choice == "required" or isinstance(choice, NamedTool),
        names=(choice.function.name,) if isinstance(choice, NamedTool) else (),
        parallel=body.parallel_tool_calls is not False,
    )


def _shape(body: ChatRequest) -> JsonShape | None:
    shape = body.response_format
    if isinstance(shape, SchemaFormat):
        return JsonShape(_json(shape.json_schema.json_schema))
    return JsonShape() if isinstance(shape, ObjectFormat) else None


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
