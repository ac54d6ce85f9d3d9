"""Answers of the API, read by the types of OpenAI's own client and by the order of their events."""

import json
from dataclasses import dataclass
from typing import Any

import httpx
from openai.types import Completion, CreateEmbeddingResponse, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

ENDS = {"stop", "length", "tool_calls"}
RESPONSE_EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


@dataclass(frozen=True)
class Answer:
    """One answer: its text, and name and arguments of each call."""

    text: str
    calls: tuple[tuple[str, str], ...] = ()


def read_answers(path: str, body: dict[str, Any], answer: httpx.Response) -> list[Answer]:
    """The answers of a successful response; AssertionError if a client could not read it."""
    stream = bool(body.get("stream"))
    if path.endswith("/chat/completions"):
        return _streamed_chat(answer, body) if stream else _chat(answer)
    if path.endswith("/completions"):
        return _streamed_text(answer, body) if stream else _text(answer, body)
    if path.endswith("/responses"):
        return _streamed_response(answer) if stream else [_response(Response(**answer.json()))]
    if path.endswith("/embeddings"):
        assert CreateEmbeddingResponse.model_validate(answer.json()).data
    elif path.endswith("/models"):
        assert [Model.model_validate(model) for model in answer.json()["data"]]
    else:
        assert Model.model_validate(answer.json())
    return []


def _chat(answer: httpx.Response) -> list[Answer]:
    completion = ChatCompletion.model_validate(answer.json())
    assert completion.usage
    found = []
    for choice in _in_order(completion.choices):
        assert choice.finish_reason in ENDS
        calls = [call.function for call in choice.message.tool_calls or ()]
        assert (choice.finish_reason == "tool_calls") == bool(calls)
        named = tuple((call.name, call.arguments) for call in calls)
        found.append(Answer(choice.message.content or "", named))
    return found


def _streamed_chat(answer: httpx.Response, body: dict[str, Any]) -> list[Answer]:
    chunks = [ChatCompletionChunk.model_validate(event) for event in _chunks(answer)]
    _check_usage(chunks, body)
    choices = [choice for chunk in chunks for choice in chunk.choices]
    found = []
    for index in range(body.get("n") or 1):
        mine = [choice for choice in choices if choice.index == index]
        assert mine[0].delta.role == "assistant"
        reasons = [choice.finish_reason for choice in mine]
        assert reasons[-1] in ENDS
        assert not any(reasons[:-1])
        text = "".join(choice.delta.content or "" for choice in mine)
        calls = _joined([call for choice in mine for call in choice.delta.tool_calls or ()])
        assert (reasons[-1] == "tool_calls") == bool(calls)
        found.append(Answer(text, calls))
    return found


def _joined(pieces: list[Any]) -> tuple[tuple[str, str], ...]:
    """The calls of a stream. Only the first piece of each has an id and a name."""
    calls: list[tuple[str, str]] = []
    for piece in pieces:
        if piece.index == len(calls):
            assert piece.id
            assert piece.type == "function"
            calls.append((piece.function.name, ""))
        name, arguments = calls[piece.index]
        calls[piece.index] = (name, arguments + (piece.function.arguments or ""))
    return tuple(calls)


def _text(answer: httpx.Response, body: dict[str, Any]) -> list[Answer]:
    read = answer.json()
    for choice in read["choices"]:
        assert (choice["logprobs"] is None) == (body.get("logprobs") is None)
        if choice["logprobs"]:
            _check_scores(choice["logprobs"], choice["text"], echoed=bool(body.get("echo")))
            choice["logprobs"] = None  # OpenAI's type has no null for the first token, its API has
    completion = Completion.model_validate(read)
    assert completion.usage
    for choice in _in_order(completion.choices):
        assert choice.finish_reason in ENDS
    return [Answer(choice.text) for choice in completion.choices]


def _check_scores(scores: dict[str, Any], text: str, *, echoed: bool) -> None:
    """One entry for each token; the first token of a prompt has no probability."""
    tokens, logprobs, best = scores["tokens"], scores["token_logprobs"], scores["top_logprobs"]
    assert len(tokens) == len(logprobs) == len(best) == len(scores["text_offset"])
    assert "".join(tokens) == text
    assert scores["text_offset"] == sorted(scores["text_offset"])
    assert (logprobs[0] is None) == echoed
    assert (best[0] is None) == echoed
    assert all(isinstance(logprob, float) for logprob in logprobs[1:])
    assert all(isinstance(candidates, dict) for candidates in best[1:])


def _streamed_text(answer: httpx.Response, body: dict[str, Any]) -> list[Answer]:
    chunks = [Completion.model_validate(event) for event in _chunks(answer, nullable=True)]
    _check_usage(chunks, body)
    texts: dict[int, str] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            texts[choice.index] = texts.get(choice.index, "") + choice.text
    return [Answer(texts[index]) for index in sorted(texts)]


def _check_usage(chunks: list[Any], body: dict[str, Any]) -> None:
    """The usage is in the last chunk, and only if it is asked for."""
    wanted = bool((body.get("stream_options") or {}).get("include_usage"))
    assert bool(chunks[-1].usage) == wanted
    assert not any(chunk.usage for chunk in chunks[:-1])
    assert (chunks[-1].choices == []) == wanted


def _streamed_response(answer: httpx.Response) -> list[Answer]:
    events = [RESPONSE_EVENT.validate_python(data) for data in _events(answer) if data != "[DONE]"]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[0].type == "response.created"
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    whole = _response(last.response)
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == whole.text
    pieces = [
        event.delta for event in events if event.type == "response.function_call_arguments.delta"
    ]
    assert "".join(pieces) == "".join(arguments for _, arguments in whole.calls)
    return [whole]


def _response(response: Any) -> Answer:
    assert response.object == "response"
    assert response.usage
    calls = [item for item in response.output if item.type == "function_call"]
    return Answer(response.output_text, tuple((call.name, call.arguments) for call in calls))


def _in_order(choices: list[Any]) -> list[Any]:
    assert [choice.index for choice in choices] == list(range(len(choices)))
    return choices


def _chunks(answer: httpx.Response, *, nullable: bool = False) -> list[Any]:
    """The events of a stream of completions, without its end. `nullable`: as in `_without_null`."""
    *chunks, end = _events(answer)
    assert end == "[DONE]"
    return [_without_null(chunk) for chunk in chunks] if nullable else chunks


def _without_null(chunk: Any) -> Any:
    """OpenAI's type of text completions has no null for `finish_reason`; its streams do."""
    for choice in chunk["choices"]:
        if choice["finish_reason"] is None:
            choice["finish_reason"] = "stop"
    return chunk


def _events(answer: httpx.Response) -> list[Any]:
    """The data of each event: JSON, or the text "[DONE]"."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.text.split("\n\n")
    assert blocks.pop() == ""
    found = []
    for block in blocks:
        if block.startswith(":"):
            continue
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        data: Any = lines["data"] if lines["data"] == "[DONE]" else json.loads(lines["data"])
        assert "event" not in lines or lines["event"] == data["type"]
        found.append(data)
    return found
