"""Converts request bodies to domain values. Knows no route and no answer."""

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

from starlette.requests import Request

from api.openai.request_models import ChatRequest, CompletionRequest
from api.openai.request_parts import (
    AnswerContent,
    AssistantTurn,
    Common,
    Content,
    NamedTool,
    ObjectFormat,
    SchemaFormat,
    TextPart,
    ToolDefinition,
    ToolTurn,
    Turn,
)
from api.openai.side_calls import bound_side_call
from chat.errors import BadRequest
from chat.models import BarePrompt, ChatMessage, FillInPrompt, Role, Sampling, TokenPrompt
from chat.serving.completions import CompletionInput
from chat.tools import Extras, JsonShape, Tool, ToolCall, ToolRules
from chat.validation import BOUNDS

MAX_SEED = int(BOUNDS["seed"][1]) + 1
ROLES = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


def chat_inputs(body: ChatRequest, request: Request) -> list[CompletionInput]:
    """One completion input for each choice. Raises BadRequest if messages are inconsistent."""
    prompt = prompt_of(body.messages)
    extras = replace(
        _extras(body),
        tools=tools_of(body.tools) if body.tool_choice != "none" else (),
        rules=_rules(body),
        shape=_shape(body),
        top_logprobs=(body.top_logprobs or 0) if body.logprobs else None,
    )
    if prompt[-1].role is Role.ASSISTANT and (extras.tools or extras.shape):
        raise BadRequest("An answer that is continued takes no tools and no response_format.")
    sampling = _sampling(body, body.max_tokens or body.max_completion_tokens)
    first = CompletionInput(
        id=f"chatcmpl-{uuid4().hex}",
        prompt=prompt,
        sampling=bound_side_call(sampling, prompt, stream=body.stream),
        extras=extras,
        cached=may_be_cached(request),
        remembered=body.store is not False,
    )
    return choices_of([first], body.n or 1)


def text_inputs(body: CompletionRequest, request: Request) -> list[CompletionInput]:
    """One completion input for each choice: all of the first prompt, then of the second, …"""
    answer_id, longest = f"cmpl-{uuid4().hex}", body.max_tokens
    extras = replace(
        _extras(body),
        top_logprobs=body.logprobs,
        prompt_scores=bool(body.echo) and body.logprobs is not None,
        prompt_only=longest == 0,
    )
    inputs = [
        CompletionInput(
            id=answer_id,
            prompt=_bare_prompt(prompt, body.suffix),
            sampling=_sampling(body, longest if (longest or 0) > 0 else None),
            extras=extras,
            cached=may_be_cached(request),
            remembered=body.store is not False,
        )
        for prompt in body.prompts
    ]
    return choices_of(inputs, body.n or 1)


def choices_of(inputs: Sequence[CompletionInput], number: int) -> list[CompletionInput]:
    """`number` choices of each input. A seed counts up, so that the choices of one differ.

    The first of all has the answer's id, the others that id with their index.
    """
    choices = [
        replace(each, sampling=_reseeded(each.sampling, choice))
        for each in inputs
        for choice in range(number)
    ]
    return [
        replace(choice, id=f"{choice.id}-{index}" if index else choice.id)
        for index, choice in enumerate(choices)
    ]


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
    open_calls: list[tuple[int, str]] = []
    for number, turn in enumerate(turns):
        if isinstance(turn, ToolTurn):
            place = _answered(turn, open_calls, number)
            results[place] = ChatMessage(Role.TOOL, _text(turn.content))
            continue
        prompt += _in_order(results)
        results = {}
        prompt.append(_message_of(turn, number))
        open_calls = [(place, call.id) for place, call in enumerate(prompt[-1].calls)]
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


def _answered(turn: ToolTurn, open_calls: list[tuple[int, str]], number: int) -> int:
    """The place of the call that this is the result of, which is closed. Raises BadRequest.

    Without a known id it is the first one: qwen-agent sends none, and one id for several calls.
    """
    same_id = [call for call in open_calls if call[1] == (turn.tool_call_id or turn.id)]
    found = same_id or ([] if turn.tool_call_id else open_calls)
    if not found:
        raise BadRequest(f"messages[{number}] answers no call of the turn before it.")
    call = found[0]  # before it is removed: `found` may be the same list
    open_calls.remove(call)
    return call[0]


def _message_of(turn: Turn, number: int) -> ChatMessage:
    if not isinstance(turn, AssistantTurn):
        return ChatMessage(ROLES[turn.role], _text(turn.content))
    calls = tuple(
        ToolCall(call.id, call.function.name, call.function.arguments)
        for call in turn.tool_calls or ()
    )
    return ChatMessage(Role.ASSISTANT, _text(turn.content) or turn.refusal or "", calls)


def _in_order(results: dict[int, ChatMessage]) -> list[ChatMessage]:
    return [results[place] for place in sorted(results)]


def _text(content: Content | AnswerContent | None) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    return "".join(part.text if isinstance(part, TextPart) else part.refusal for part in content)


def _bare_prompt(prompt: str | list[int], suffix: str | None) -> BarePrompt:
    if isinstance(prompt, list):
        return TokenPrompt(tuple(prompt))
    return FillInPrompt(prompt, suffix) if suffix else prompt


def _sampling(body: Common, longest: int | None) -> Sampling:
    stop = body.stop or ()
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=None if body.top_k is None else max(body.top_k, 0),
        repetition_penalty=body.repetition_penalty,
        max_new_tokens=longest,
        seed=body.seed,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        presence_penalty=body.presence_penalty,
        frequency_penalty=body.frequency_penalty,
        min_new_tokens=longest if body.ignore_eos and longest else body.min_tokens,
    )


def _reseeded(sampling: Sampling, choice: int) -> Sampling:
    if sampling.seed is None:
        return sampling
    return replace(sampling, seed=(sampling.seed + choice) % MAX_SEED)


def _extras(body: Common) -> Extras:
    biases = (body.logit_bias or {}).items()
    return Extras(
        min_p=body.min_p or 0.0,
        logit_bias=tuple((int(token_id), bias) for token_id, bias in biases),
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
