"""Parts of request bodies, with a bound on every number, length and count.

`api.openai.ignored_fields` says what happens to the fields that are not here. Fields in
`without_effect` are ignored and named; with `--api-strict` they are accepted within these bounds.
"""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from api.openai.ignored_fields import Tolerant
from chat.validation import BOUNDS, MAX_CHARACTERS, MAX_STOP_CHARACTERS, MAX_STOP_STRINGS

MAX_TURNS = 2_000
MAX_PARTS = 200
MAX_TOOLS = 128
MAX_CALLS = 128
MAX_LOGPROBS = 20
MAX_N = 8
MAX_BIASES = 1_000


class Strict(BaseModel):
    """Strict types, no unknown fields, only finite numbers."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


class BodyPart(Tolerant, Strict):
    """Strict types and finite numbers; unknown fields are ignored or refused."""


def bounded(name: str) -> Any:
    """The domain's bounds of a sampling setting."""
    low, high = BOUNDS[name]
    return Field(ge=low, le=high)


def one_or_many(value: object) -> str:
    """The union tag of a value. Tags in angle brackets are removed from error locations."""
    return "<many>" if isinstance(value, list | dict) else "<one>"


Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Name = Annotated[str, Field(pattern="^[a-zA-Z0-9_.:/-]{1,128}$")]
"""OpenAI's names, and those of tool servers, which have dots, colons and slashes as well."""
CallId = Annotated[str, Field(max_length=200)]
Label = Annotated[str, Field(max_length=512)]
StopString = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARACTERS)]
StopStrings = Annotated[list[StopString], Field(fail_fast=True, max_length=MAX_STOP_STRINGS)]
Stop = Annotated[
    Annotated[StopString, Tag("<one>")] | Annotated[StopStrings, Tag("<many>")],
    Discriminator(one_or_many),
]
TokenCount = Annotated[int, bounded("max_new_tokens")]
TokenId = Annotated[str, Field(pattern="^[0-9]{1,7}$")]
Bias = Annotated[float, Field(ge=-100, le=100)]
JsonObject = Annotated[dict[str, Any], Field(max_length=1_000)]


class TextPart(BodyPart):
    place: ClassVar[str] = "messages[].content[]."

    type: Literal["text"]
    text: Text


class RefusalPart(BodyPart):
    """What OpenAI's models write instead of an answer; it is read as the answer's text."""

    place: ClassVar[str] = "messages[].content[]."

    type: Literal["refusal"]
    refusal: Text


TextParts = Annotated[list[TextPart], Field(fail_fast=True, max_length=MAX_PARTS)]
Content = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[TextParts, Tag("<many>")],
    Discriminator(one_or_many),
]
"""Text, or parts of text that are joined. There are no other parts: the model reads only text."""

AnswerPart = Annotated[TextPart | RefusalPart, Field(discriminator="type")]
AnswerParts = Annotated[list[AnswerPart], Field(fail_fast=True, max_length=MAX_PARTS)]
AnswerContent = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[AnswerParts, Tag("<many>")],
    Discriminator(one_or_many),
]
"""The content of an assistant's message."""


class TurnPart(BodyPart):
    """`name` has no effect: the model's template has no place for it."""

    place: ClassVar[str] = "messages[]."
    without_effect: ClassVar[frozenset[str]] = frozenset({"name"})

    name: Label | None = None


class SystemTurn(TurnPart):
    """There may be several; the role `developer` is the same."""

    role: Literal["system", "developer"]
    content: Content


class UserTurn(TurnPart):
    role: Literal["user"]
    content: Content


class CalledFunction(BodyPart):
    """`parsed_arguments` is added by OpenAI's own client; `arguments` are what the model wrote."""

    place: ClassVar[str] = "messages[].tool_calls[].function."
    without_effect: ClassVar[frozenset[str]] = frozenset({"parsed_arguments"})

    name: Name
    arguments: Text
    parsed_arguments: Any = None


class Call(BodyPart):
    """A call in an earlier answer of the model. Without an id, results come in the calls' order."""

    place: ClassVar[str] = "messages[].tool_calls[]."
    without_effect: ClassVar[frozenset[str]] = frozenset({"index"})

    id: CallId = ""
    type: Literal["function"] = "function"
    function: CalledFunction
    index: Any = None  # of streams, whose pieces some clients put together as they are


class AssistantTurn(TurnPart):
    """An assistant message; as the last message it is continued.

    Clients send answers back as they came, with what they have made of them.
    """

    without_effect: ClassVar[frozenset[str]] = TurnPart.without_effect | {
        "annotations",
        "parsed",
        "reasoning",
        "reasoning_content",
    }

    role: Literal["assistant"]
    content: AnswerContent | None = None
    tool_calls: Annotated[list[Call], Field(fail_fast=True, max_length=MAX_CALLS)] | None = None
    refusal: Text | None = None
    annotations: Any = None
    parsed: Any = None
    reasoning: Any = None  # the model's template has no place for it
    reasoning_content: Any = None


class ToolTurn(TurnPart):
    """The result of a call. Without an id it belongs to the first call that has no result yet.

    `id` is what qwen-agent sends instead of `tool_call_id`.
    """

    role: Literal["tool"]
    content: Content | None = None
    tool_call_id: CallId = ""
    id: CallId = ""


Turn = Annotated[SystemTurn | UserTurn | AssistantTurn | ToolTurn, Field(discriminator="role")]
Turns = Annotated[list[Turn], Field(fail_fast=True, min_length=1, max_length=MAX_TURNS)]


class FunctionDefinition(BodyPart):
    place: ClassVar[str] = "tools[].function."

    name: Name
    description: Annotated[str, Field(max_length=20_000)] | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class ToolDefinition(BodyPart):
    place: ClassVar[str] = "tools[]."

    type: Literal["function"]
    function: FunctionDefinition


Tools = Annotated[list[ToolDefinition], Field(fail_fast=True, max_length=MAX_TOOLS)]


class NamedFunction(BodyPart):
    place: ClassVar[str] = "tool_choice.function."

    name: Name


class NamedTool(BodyPart):
    place: ClassVar[str] = "tool_choice."

    type: Literal["function"]
    function: NamedFunction


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<one>")]
    | Annotated[NamedTool, Tag("<many>")],
    Discriminator(one_or_many),
]


class StreamOptions(BodyPart):
    place: ClassVar[str] = "stream_options."

    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None  # nothing is padded


class TextFormat(BodyPart):
    place: ClassVar[str] = "response_format."

    type: Literal["text"]


class ObjectFormat(BodyPart):
    place: ClassVar[str] = "response_format."

    type: Literal["json_object"]


class SchemaOfFormat(BodyPart):
    """The answer always has that shape; `strict` has no effect."""

    place: ClassVar[str] = "response_format.json_schema."

    model_config = ConfigDict(serialize_by_alias=True)

    name: Name
    json_schema: JsonObject = Field(alias="schema")
    description: Annotated[str, Field(max_length=20_000)] | None = None
    strict: bool | None = None


class SchemaFormat(BodyPart):
    place: ClassVar[str] = "response_format."

    type: Literal["json_schema"]
    json_schema: SchemaOfFormat


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class Common(BodyPart):
    """The fields of both kinds of completions."""

    without_effect: ClassVar[frozenset[str]] = frozenset({"user"})

    model: Annotated[str, Field(min_length=1, max_length=200)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenCount | None = None
    min_tokens: Annotated[int, bounded("min_new_tokens")] | None = None
    temperature: Annotated[float, bounded("temperature")] | None = None
    top_p: Annotated[float, bounded("top_p")] | None = None
    top_k: Annotated[int, Field(ge=-1, le=BOUNDS["top_k"][1])] | None = None  # -1 as 0
    repetition_penalty: Annotated[float, bounded("repetition_penalty")] | None = None
    presence_penalty: Annotated[float, bounded("presence_penalty")] | None = None
    frequency_penalty: Annotated[float, bounded("frequency_penalty")] | None = None
    seed: Annotated[int, bounded("seed")] | None = None
    stop: Stop | None = None
    user: Label | None = None  # no effect: the key identifies the user
    n: Annotated[int, Field(ge=1, le=MAX_N)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    logit_bias: Annotated[dict[TokenId, Bias], Field(max_length=MAX_BIASES)] | None = None
    ignore_eos: bool | None = None  # true: the answer has `max_tokens` tokens
    store: bool | None = None  # false: the answer is not remembered for being rated
