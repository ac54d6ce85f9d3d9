"""The body of POST /v1/responses. What needs stored state or a server's own tools is refused."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema

from api.openai.ignored_fields import SWITCHED_OFF
from api.openai.request_parts import (
    MAX_LOGPROBS,
    MAX_TOOLS,
    BodyPart,
    JsonObject,
    Label,
    Name,
    ObjectFormat,
    Stop,
    StreamOptions,
    Strict,
    Text,
    TextFormat,
    TokenCount,
    bounded,
)
from api.openai.responses.input_items import Input, ReasoningItem, type_of

LOGPROBS = "message.output_text.logprobs"
HOSTED_TOOLS = frozenset(
    {
        "apply_patch",
        "code_interpreter",
        "computer",
        "computer_use",
        "computer_use_preview",
        "custom",
        "file_search",
        "image_generation",
        "local_shell",
        "mcp",
        "namespace",
        "programmatic_tool_calling",
        "shell",
        "tool_search",
        "web_search",
        "web_search_preview",
    }
)
"""Types of tools that OpenAI's own server has; an error repeats these names alone."""

ONLY_FUNCTIONS = "only tools of type function are called here, and your program runs them"
Description = Annotated[str, Field(max_length=20_000)]


def refused(reason: str) -> BeforeValidator:
    """For a field that takes null and false alone; everything else is refused with `reason`."""

    def check(value: object) -> object:
        if value is None or value is False:
            return value
        raise ValueError(reason)

    return BeforeValidator(check)


class FunctionTool(Strict):
    """A function of the program. What is not declared says when OpenAI's server may use it."""

    model_config = ConfigDict(extra="ignore")

    type: Literal["function"]
    name: Name
    description: Description | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class OtherTool(Strict):
    """A tool that another server would run itself."""

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, value: Any) -> Any:
        kind = type_of(value)
        raise ValueError(f"{kind}: {ONLY_FUNCTIONS}" if kind in HOSTED_TOOLS else ONLY_FUNCTIONS)


def _tool_tag(value: object) -> str:
    return "<function>" if type_of(value) == "function" else "<other>"


AnyTool = Annotated[
    Annotated[FunctionTool, Tag("<function>")]
    | Annotated[SkipJsonSchema[OtherTool], Tag("<other>")],
    Discriminator(_tool_tag),
]


class ChosenFunction(Strict):
    """The one function that has to be called."""

    type: Literal["function"]
    name: Name


class AllowedTools(Strict):
    """The functions that the model may know of, or has to take one of."""

    type: Literal["allowed_tools"]
    mode: Literal["auto", "required"]
    tools: Annotated[list[ChosenFunction], Field(fail_fast=True, min_length=1, max_length=128)]


def _choice_tag(value: object) -> str:
    if not isinstance(value, dict | BaseModel):
        return "<one>"
    tags = {"function": "<function>", "allowed_tools": "<allowed>"}
    return tags.get(type_of(value) or "", "<other>")


Choice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<one>")]
    | Annotated[ChosenFunction, Tag("<function>")]
    | Annotated[AllowedTools, Tag("<allowed>")]
    | Annotated[SkipJsonSchema[OtherTool], Tag("<other>")],
    Discriminator(_choice_tag),
]


class NamedSchemaFormat(Strict):
    """The answer always has that shape; `strict` has no effect."""

    model_config = ConfigDict(serialize_by_alias=True)

    type: Literal["json_schema"]
    name: Name
    json_schema: JsonObject = Field(alias="schema")
    description: Description | None = None
    strict: bool | None = None


class TextOptions(Strict):
    format: (
        Annotated[
            TextFormat | ObjectFormat | NamedSchemaFormat,
            Field(discriminator="type"),
        ]
        | None
    ) = None
    verbosity: Literal["low", "medium", "high"] | None = None  # no effect


class ResponsesRequest(BodyPart):
    """Items to be answered; everything that the model needs to know is in the request."""

    switched_off: ClassVar[Mapping[str, tuple[object, ...]]] = {
        **SWITCHED_OFF,
        "n": (1,),
        "logit_bias": ({},),
        "logprobs": (False,),
        "top_k": (-1,),
        "min_p": (0, 0.0),
    }

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"model": "default", "input": "What is the capital of France?"},
                {
                    "model": "default",
                    "instructions": "Answer in one word.",
                    "input": [{"role": "user", "content": "What is the capital of France?"}],
                },
            ]
        }
    )

    model: Annotated[str, Field(min_length=1, max_length=200)]
    input: Input | None = None
    instructions: Text | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_output_tokens: TokenCount | None = None
    temperature: Annotated[float, bounded("temperature")] | None = None
    top_p: Annotated[float, bounded("top_p")] | None = None
    text: TextOptions | None = None
    tools: Annotated[list[AnyTool], Field(fail_fast=True, max_length=MAX_TOOLS)] | None = None
    tool_choice: Choice | None = None
    parallel_tool_calls: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=MAX_LOGPROBS)] | None = None
    include: (
        Annotated[
            list[
                Literal[
                    "code_interpreter_call.outputs",
                    "computer_call_output.output.image_url",
                    "file_search_call.results",
                    "message.input_image.image_url",
                    "message.output_text.logprobs",
                    "reasoning.encrypted_content",
                    "web_search_call.action.sources",
                    "web_search_call.results",
                ]
            ],
            Field(fail_fast=True, max_length=20),
        ]
        | None
    ) = None  # only the log probabilities have an effect: there is nothing else to include
    store: bool | None = None  # nothing is stored; false: nor remembered for being rated

    # ours, as at the other routes
    top_k: Annotated[int, bounded("top_k")] | None = None
    min_tokens: Annotated[int, bounded("min_new_tokens")] | None = None
    repetition_penalty: Annotated[float, bounded("repetition_penalty")] | None = None
    presence_penalty: Annotated[float, bounded("presence_penalty")] | None = None
    frequency_penalty: Annotated[float, bounded("frequency_penalty")] | None = None
    seed: Annotated[int, bounded("seed")] | None = None
    stop: Stop | None = None

    # state
    previous_response_id: Annotated[
        None,
        refused("responses are not stored here: send the earlier items in `input`"),
    ] = None
    conversation: Annotated[
        None,
        refused("conversations are not stored here: send the earlier items in `input`"),
    ] = None
    prompt: Annotated[
        None,
        refused("prompts are not stored here: send their text as `instructions` and `input`"),
    ] = None
    background: Annotated[
        Literal[False] | None,
        refused("nothing is stored that could be fetched later: use `stream` instead"),
    ] = None
    context_management: Annotated[
        None,
        refused("nothing is left out or summarised here: shorten `input` yourself"),
    ] = None
    moderation: Annotated[None, refused("nothing is moderated here")] = None

    # of the other routes
    messages: Annotated[None, refused("use `input`")] = None
    max_tokens: Annotated[None, refused("use `max_output_tokens`")] = None
    max_completion_tokens: Annotated[None, refused("use `max_output_tokens`")] = None
    response_format: Annotated[None, refused("use `text.format`")] = None
    logprobs: Annotated[None, refused(f"use `include` with {LOGPROBS}")] = None
    n: Annotated[None, refused("one answer is written here")] = None
    logit_bias: Annotated[None, refused("use /v1/chat/completions")] = None
    min_p: Annotated[None, refused("use /v1/chat/completions")] = None

    # without effect
    metadata: Annotated[dict[str, Label], Field(max_length=16)] | None = None  # sent back
    user: Label | None = None  # the key identifies the user
    safety_identifier: Label | None = None  # as `user`
    prompt_cache_key: Label | None = None  # prefixes are found anyway
    prompt_cache_retention: Literal["in_memory", "24h"] | None = None  # as long as there is room
    prompt_cache_options: JsonObject | None = None  # as above
    reasoning: JsonObject | None = None  # this model does not reason before it answers
    service_tier: Label | None = None  # there is one; the response says so
    truncation: Literal["auto", "disabled"] | None = None  # nothing is left out: it is refused
    max_tool_calls: Annotated[int, Field(ge=1, le=10_000)] | None = None  # of built-in tools alone

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.input or self.instructions):
            raise ValueError("`input` is missing")
        if self.max_output_tokens and (self.min_tokens or 0) > self.max_output_tokens:
            raise ValueError("`min_tokens` is more than the answer may have")
        self._check_choice()
        return self

    @property
    def shaped(self) -> bool:
        """Whether the answer is to be JSON."""
        shape = self.text.format if self.text else None
        return not isinstance(shape, TextFormat | None)

    @property
    def with_scores(self) -> bool:
        """Whether log probabilities are asked for."""
        return LOGPROBS in (self.include or ()) or bool(self.top_logprobs)

    @property
    def allowed_names(self) -> frozenset[str] | None:
        """The names that `tool_choice` is limited to; None: it names none."""
        if isinstance(self.tool_choice, ChosenFunction):
            return frozenset({self.tool_choice.name})
        if isinstance(self.tool_choice, AllowedTools):
            return frozenset(tool.name for tool in self.tool_choice.tools)
        return None

    @property
    def call_required(self) -> bool:
        """Whether the answer has to be a call."""
        choice = self.tool_choice
        if isinstance(choice, AllowedTools):
            return choice.mode == "required"
        return choice == "required" or isinstance(choice, ChosenFunction)

    def ignored(self) -> Iterator[str]:
        """The names of what was sent, asks for something, and has no effect."""
        if any(value not in (None, "none") for value in (self.reasoning or {}).values()):
            yield "reasoning"
        if self.text and self.text.verbosity not in (None, "medium"):
            yield "text.verbosity"
        if self.truncation == "auto":
            yield "truncation"
        if self.service_tier not in (None, "auto", "default"):
            yield "service_tier"
        if not isinstance(self.input, str | None):
            for number, item in enumerate(self.input):
                if isinstance(item, ReasoningItem):
                    yield f"input[{number}]"

    def _check_choice(self) -> None:
        names = {tool.name for tool in self.tools or () if isinstance(tool, FunctionTool)}
        if len(names) < len(self.tools or ()):
            raise ValueError("`tools` has two functions of the same name")
        if self.call_required and not names:
            raise ValueError("`tool_choice` needs `tools`")
        if not (self.allowed_names or frozenset()) <= names:
            raise ValueError("`tool_choice` names a function that is not among `tools`")
