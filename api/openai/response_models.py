"""Response bodies in OpenAI's format; our extensions are marked as ours.

Fields that were set are written, including nulls; unset fields are omitted (`exclude_unset`).
"""

from typing import Any, Literal

from pydantic import BaseModel

FinishReason = Literal["stop", "length", "tool_calls"]


class PromptDetails(BaseModel):
    """`cached_tokens` came from the prefix cache; only prefixes of the same user count."""

    cached_tokens: int


class UsageOut(BaseModel):
    """Tokens. `from_cache` (ours): the answer was given before, and costs none of the quota."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptDetails
    from_cache: bool = False


class TopLogprob(BaseModel):
    token: str
    logprob: float
    bytes: list[int] | None


class TokenLogprob(TopLogprob):
    top_logprobs: list[TopLogprob]


class ChatLogprobs(BaseModel):
    content: list[TokenLogprob] | None
    refusal: None = None


class FunctionOut(BaseModel):
    name: str
    arguments: str


class CallOut(BaseModel):
    id: str
    type: Literal["function"] = "function"
    function: FunctionOut


class MessageOut(BaseModel):
    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: None = None
    tool_calls: list[CallOut] = []


class ChatChoice(BaseModel):
    index: int = 0
    message: MessageOut
    logprobs: ChatLogprobs | None = None
    finish_reason: FinishReason


class ChatCompletion(BaseModel):
    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChoice]
    usage: UsageOut


class FunctionDelta(BaseModel):
    name: str | None = None
    arguments: str | None = None


class CallDelta(BaseModel):
    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionDelta


class MessageDelta(BaseModel):
    role: Literal["assistant"] | None = None
    content: str | None = None
    refusal: None = None
    tool_calls: list[CallDelta] | None = None


class ChatChunkChoice(BaseModel):
    index: int = 0
    delta: MessageDelta
    logprobs: ChatLogprobs | None = None
    finish_reason: FinishReason | None = None


class ChatChunk(BaseModel):
    """One event of a stream; the last one is `[DONE]`."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    system_fingerprint: str
    choices: list[ChatChunkChoice]
    usage: UsageOut | None = None


class TextLogprobs(BaseModel):
    """Null for the first token of an echoed prompt, which nothing precedes."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class TextChoice(BaseModel):
    index: int = 0
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: FinishReason | None = None


class TextCompletion(BaseModel):
    """A whole completion, and each event of a stream."""

    id: str
    object: Literal["text_completion"] = "text_completion"
    created: int
    model: str
    system_fingerprint: str
    choices: list[TextChoice]
    usage: UsageOut | None = None


class ModelOut(BaseModel):
    """`max_model_len` (ours, as vLLM's): tokens of prompt and answer together."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    max_model_len: int


class ModelList(BaseModel):
    object: Literal["list"] = "list"
    data: list[ModelOut]


class Tokenized(BaseModel):
    count: int
    max_model_len: int
    tokens: list[int]


class Fault(BaseModel):
    message: str
    type: str
    param: str | None
    code: str


class NamedEvent(BaseModel):
    """An event of a stream whose events have names; the numbers count them from 0."""

    type: str
    sequence_number: int


class FaultBody(BaseModel):
    """Every error. `code` is stable, `message` is for people."""

    error: Fault


ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": FaultBody, "description": "It cannot be done as it is asked"},
    401: {"model": FaultBody, "description": "There is no such key"},
    403: {"model": FaultBody, "description": "The key is not for this"},
    404: {"model": FaultBody, "description": "There is no such model"},
    413: {"model": FaultBody, "description": "The body is too large"},
    415: {"model": FaultBody, "description": "The body is not sent as JSON"},
    422: {"model": FaultBody, "description": "A parameter is unknown or out of bounds"},
    429: {"model": FaultBody, "description": "A limit of the person or the key is reached"},
    500: {"model": FaultBody, "description": "The engine failed"},
    503: {"model": FaultBody, "description": "The queue is full, or the model is not loaded"},
    504: {"model": FaultBody, "description": "The answer took too long"},
}
"""Error responses of every route, for the OpenAPI document."""
