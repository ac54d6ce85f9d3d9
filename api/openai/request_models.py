"""Request bodies as models; `api.openai.to_domain` translates them to domain values."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.config import JsonDict

from api.openai.request_parts import (
    MAX_LOGPROBS,
    Common,
    Label,
    NamedTool,
    ResponseFormat,
    Strict,
    Text,
    TextFormat,
    TokenCount,
    ToolChoice,
    Tools,
    Turns,
    one_or_many,
)

SomeText = Annotated[Text, Field(min_length=1)]
OneText = Annotated[list[SomeText], Field(min_length=1, max_length=1)]
QUESTION: JsonDict = {"role": "user", "content": "What is the capital of France?"}


class ChatRequest(Common):
    """A conversation to be answered."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "default", "messages": [QUESTION]}]}
    )

    messages: Turns
    max_completion_tokens: TokenCount | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_LOGPROBS)] | None = None
    response_format: ResponseFormat | None = None
    tools: Tools | None = None
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None

    metadata: Annotated[dict[str, Label], Field(max_length=16)] | None = None  # no effect
    modalities: Annotated[list[Literal["text"]], Field(fail_fast=True, max_length=1)] | None = (
        None  # no others
    )
    prompt_cache_key: Label | None = None  # no effect: prefixes are found anyway
    prompt_cache_retention: Literal["in_memory"] | None = None  # so it is
    safety_identifier: Label | None = None  # no effect, as `user`
    service_tier: Literal["auto", "default"] | None = None  # there is one
    reasoning_effort: Literal["none"] | None = None  # so it is
    verbosity: Literal["medium"] | None = None  # no effect at its default

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_stream_options(self)
        _check_lengths(self, self.max_completion_tokens)
        if self.top_logprobs is not None and not self.logprobs:
            raise ValueError("`top_logprobs` needs `logprobs`")
        if self.shaped and self.stop:
            raise ValueError("`stop` would cut the JSON that `response_format` asks for")
        if self.shaped and self.tools and self.tool_choice != "none":
            raise ValueError(
                "`response_format` leaves no room for calls: set `tool_choice` to none"
            )
        if isinstance(self.tool_choice, NamedTool) or self.tool_choice == "required":
            self._check_forced_tools(self.tool_choice)
        return self

    @property
    def shaped(self) -> bool:
        """Whether the answer is to be JSON."""
        return not isinstance(self.response_format, TextFormat | None)

    def _check_forced_tools(self, choice: NamedTool | str) -> None:
        names = {tool.function.name for tool in self.tools or ()}
        if not names:
            raise ValueError("`tool_choice` needs `tools`")
        if isinstance(choice, NamedTool) and choice.function.name not in names:
            raise ValueError("`tool_choice` names a function that is not among `tools`")
        if self.stop:
            raise ValueError("`stop` would cut the call that `tool_choice` asks for")


class CompletionRequest(Common):
    """Text to be continued, without a chat template."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "default", "prompt": "def fib(n):"}]}
    )

    prompt: Annotated[
        Annotated[SomeText, Tag("<one>")] | Annotated[OneText, Tag("<many>")],
        Discriminator(one_or_many),
    ]
    max_tokens: TokenCount | None = 16
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    echo: Literal[False] | None = None
    best_of: Literal[1] | None = None
    suffix: None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_stream_options(self)
        _check_lengths(self, None)
        return self

    @property
    def text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else self.prompt[0]


class TokenizeRequest(Strict):
    """A conversation or bare text; just one of the two."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"messages": [QUESTION]}, {"prompt": "Hello"}]}
    )

    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    messages: Turns | None = None
    prompt: SomeText | None = None
    tools: Tools | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.messages is None) == (self.prompt is None):
            raise ValueError("there must be either `messages` or `prompt`")
        if self.prompt is not None and self.tools:
            raise ValueError("`tools` go with `messages` alone")
        return self


def _check_stream_options(body: Common) -> None:
    if body.stream_options is not None and not body.stream:
        raise ValueError("`stream_options` needs `stream`")


def _check_lengths(body: Common, other: int | None) -> None:
    if other is not None and body.max_tokens not in (None, other):
        raise ValueError("`max_tokens` and `max_completion_tokens` are the same and differ")
    most = body.max_tokens or other
    if most is not None and (body.min_tokens or 0) > most:
        raise ValueError("`min_tokens` is more than the answer may have")
