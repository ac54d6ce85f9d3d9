"""Request bodies as models; `api.openai.to_domain` translates them to domain values."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.config import JsonDict

from api.openai.ignored_fields import SWITCHED_OFF, ignore, reads_strictly
from api.openai.request_parts import (
    MAX_LOGPROBS,
    MAX_N,
    BodyPart,
    Common,
    Label,
    NamedTool,
    ResponseFormat,
    Text,
    TokenCount,
    ToolChoice,
    Tools,
    Turns,
)

SomeText = Annotated[Text, Field(min_length=1)]
MAX_PROMPTS = 128
"""Most choices of a request: prompts, times `n`."""
MAX_TOKEN_IDS = 131_072
PromptTokenId = Annotated[int, Field(ge=0, lt=2**31)]
PromptTokens = Annotated[
    list[PromptTokenId], Field(fail_fast=True, min_length=1, max_length=MAX_TOKEN_IDS)
]
SomeTexts = Annotated[list[SomeText], Field(fail_fast=True, min_length=1, max_length=MAX_PROMPTS)]
TokenLists = Annotated[
    list[PromptTokens], Field(fail_fast=True, min_length=1, max_length=MAX_PROMPTS)
]


def prompt_kind(value: object) -> str:
    """The union tag of a prompt of /v1/completions."""
    if not isinstance(value, list):
        return "<text>"
    if value and isinstance(value[0], list):
        return "<token lists>"
    return "<tokens>" if value and isinstance(value[0], int) else "<texts>"


QUESTION: JsonDict = {"role": "user", "content": "What is the capital of France?"}


class ChatRequest(Common):
    """A conversation to be answered."""

    without_effect: ClassVar[frozenset[str]] = Common.without_effect | {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning_effort",
        "safety_identifier",
        "service_tier",
        "verbosity",
    }

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
        _check_common(self, self.max_completion_tokens)
        if self.top_logprobs is not None and not self.logprobs:
            if self.top_logprobs:
                raise ValueError("`top_logprobs` needs `logprobs`")
            ignore("top_logprobs")
        if isinstance(self.tool_choice, NamedTool) or self.tool_choice == "required":
            self._check_forced_tools(self.tool_choice)
        return self

    def _check_forced_tools(self, choice: NamedTool | str) -> None:
        names = {tool.function.name for tool in self.tools or ()}
        if not names:
            raise ValueError("`tool_choice` needs `tools`")
        if isinstance(choice, NamedTool) and choice.function.name not in names:
            raise ValueError("`tool_choice` names a function that is not among `tools`")


class CompletionRequest(Common):
    """Text to be continued, without a chat template."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"model": "default", "prompt": "def fib(n):"}]}
    )

    switched_off: ClassVar[Mapping[str, tuple[object, ...]]] = {
        name: values for name, values in SWITCHED_OFF.items() if name != "max_tokens"
    }

    prompt: Annotated[
        Annotated[SomeText, Tag("<text>")]
        | Annotated[SomeTexts, Tag("<texts>")]
        | Annotated[PromptTokens, Tag("<tokens>")]
        | Annotated[TokenLists, Tag("<token lists>")],
        Discriminator(prompt_kind),
    ]
    # 0 writes nothing, which goes with `echo`; -1 sets no bound, though left out it is 16
    max_tokens: Annotated[int, Field(ge=-1, le=MAX_TOKEN_IDS)] | None = 16
    logprobs: Annotated[int, Field(ge=0, le=5)] | None = None
    echo: bool | None = None
    best_of: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    suffix: Text | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        _check_common(self, None)
        if self.best_of not in (None, self.n or 1):
            raise ValueError("`best_of` must be as many as `n`: all that is written is returned")
        if len(self.prompts) * (self.n or 1) > MAX_PROMPTS:
            raise ValueError(f"`prompt` times `n` must be {MAX_PROMPTS} answers at most")
        if self.suffix and self.echo:
            raise ValueError("`suffix` does not go with `echo`")
        if self.suffix and not all(isinstance(prompt, str) for prompt in self.prompts):
            raise ValueError("`suffix` goes with text only, not with token ids")
        return self

    @property
    def prompts(self) -> list[str] | list[list[int]]:
        """Every prompt, as text or as token ids."""
        prompt = self.prompt
        if isinstance(prompt, str):
            return [prompt]
        tokens = [item for item in prompt if isinstance(item, int)]
        if tokens:
            return [tokens]
        texts = [item for item in prompt if isinstance(item, str)]
        return texts or [item for item in prompt if isinstance(item, list)]


class TokenizeRequest(BodyPart):
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


def _check_common(body: Common, other: int | None) -> None:
    if body.stream_options is not None and not body.stream:
        if reads_strictly():
            raise ValueError("`stream_options` needs `stream`")
        ignore("stream_options")
    if body.ignore_eos and (body.max_tokens or other or -1) < 1:
        ignore("ignore_eos")  # nothing says how long the answer should be
    if body.store:
        ignore("store")
    _check_lengths(body, other)


def _check_lengths(body: Common, other: int | None) -> None:
    if other is not None and body.max_tokens not in (None, other):
        raise ValueError("`max_tokens` and `max_completion_tokens` are the same and differ")
    most = body.max_tokens or other
    if most is not None and most > 0 and (body.min_tokens or 0) > most:
        raise ValueError("`min_tokens` is more than the answer may have")
