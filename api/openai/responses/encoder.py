"""Encodes an answer as a response of /v1/responses, whole or as the events of a stream. Pure."""

from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Literal

from pydantic import BaseModel

from api.edge.errors import error_body, status_of
from api.openai.encoding import Encoder
from api.openai.response_models import UsageOut
from api.openai.responses.output import Output
from api.openai.responses.request_models import ResponsesRequest
from api.openai.responses.response_models import (
    IncompleteDetails,
    InputTokensDetails,
    OutputTokensDetails,
    ResponseBody,
    ResponseEvent,
    ResponseFailure,
    ResponseUsage,
)
from chat.errors import AppError
from chat.models import Finish
from chat.serving.choices import Choices
from chat.serving.completion import CompletionRecord
from chat.serving.models import Delta, EngineInfo


class ResponseEncoder(Encoder):
    """Objects of type "response", and the named events of their streams.

    A whole response is made of the same deltas as a stream, so that both have the same items.
    """

    ends_with_done = False

    def __init__(self, choices: Choices, info: EngineInfo, body: ResponsesRequest) -> None:
        super().__init__(choices, info, logprobs=body.with_scores, with_usage=False)
        self._numbers = count()
        self._output = Output(self._numbers)
        self._fixed = {
            "id": choices.id,
            "object": "response",
            "created_at": self.head["created"],
            "model": info.model,
            **_repeated(body),
            **_sampling(body, info),
        }

    def whole(self, records: Sequence[CompletionRecord]) -> BaseModel:
        (completion,) = self.choices
        for delta in completion.deltas:
            for _ in self._output.take(delta):
                pass
        return self._ended(records)

    def first(self) -> Iterator[BaseModel]:
        for kind in ("response.created", "response.in_progress"):
            yield self._event(kind, self._body("in_progress"))

    def pieces(self, index: int, delta: Delta) -> Iterator[BaseModel]:
        return self._output.take(delta)

    def last(self, records: Sequence[CompletionRecord]) -> BaseModel:
        body = self._ended(records)
        return self._event(f"response.{body.status}", body)

    def failed(self, error: AppError) -> BaseModel:
        return self._event("response.failed", self._body("failed", error=_failure(error)))

    def _event(self, kind: Any, body: ResponseBody) -> BaseModel:
        return ResponseEvent(type=kind, sequence_number=next(self._numbers), response=body)

    def _ended(self, records: Sequence[CompletionRecord]) -> ResponseBody:
        cut = records[0].finish is Finish.LENGTH
        return self._body(
            "incomplete" if cut else "completed",
            incomplete_details=IncompleteDetails(reason="max_output_tokens") if cut else None,
            usage=_usage(self.usage(records)),
        )

    def _body(self, status: Any, **more: Any) -> ResponseBody:
        empty = {"error": None, "incomplete_details": None, "usage": None}
        return ResponseBody(
            **self._fixed, **(empty | more), status=status, output=self._output.items
        )


def _repeated(body: ResponsesRequest) -> dict[str, Any]:
    """What the request asked for, with OpenAI's defaults where it said nothing."""
    asked = body.model_dump(
        mode="json", include={"tools", "tool_choice", "text"}, exclude_none=True, by_alias=True
    )
    return {
        "background": False,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "metadata": body.metadata or {},
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": None,
        "prompt_cache_key": body.prompt_cache_key,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": body.safety_identifier,
        "service_tier": "default",
        "store": False,
        "text": {"format": {"type": "text"}, **asked.get("text", {}), "verbosity": "medium"},
        "tool_choice": asked.get("tool_choice", "auto"),
        "tools": [
            {"description": None, "parameters": None, "strict": False, **tool}
            for tool in asked.get("tools", [])
        ],
        "top_logprobs": body.top_logprobs or 0,
        "truncation": "disabled",
        "user": body.user,
    }


def _sampling(body: ResponsesRequest, info: EngineInfo) -> dict[str, Any]:
    """The sampling settings that hold; those of the model where the request has none."""
    return {
        name: getattr(info.defaults, name) if getattr(body, name) is None else getattr(body, name)
        for name in ("temperature", "top_p")
    }


def _usage(usage: UsageOut) -> ResponseUsage:
    return ResponseUsage(
        input_tokens=usage.prompt_tokens,
        input_tokens_details=InputTokensDetails(
            cached_tokens=usage.prompt_tokens_details.cached_tokens, cache_write_tokens=0
        ),
        output_tokens=usage.completion_tokens,
        output_tokens_details=OutputTokensDetails(reasoning_tokens=0),
        total_tokens=usage.total_tokens,
        **({"from_cache": True} if usage.from_cache else {}),
    )


def _failure(error: AppError) -> ResponseFailure:
    body = error_body(error)
    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt"] = "server_error"
    if body["type"] == "rate_limit_error":
        code = "rate_limit_exceeded"
    elif status_of(error) < 500:
        code = "invalid_prompt"
    return ResponseFailure(code=code, message=body["message"], type=body["code"])
