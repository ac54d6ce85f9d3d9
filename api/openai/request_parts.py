"""Parts of request bodies, with a bound on every number, length and count.

Null means absent everywhere. Fields that OpenAI's clients send by default, or that have no effect
at their default, are accepted with that value only; the comment behind each explains it.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag

from chat.validation import BOUNDS, MAX_CHARACTERS, MAX_STOP_CHARACTERS, MAX_STOP_STRINGS

MAX_TURNS = 2_000
MAX_PARTS = 200
MAX_TOOLS = 128
MAX_CALLS = 128
MAX_LOGPROBS = 20


class Strict(BaseModel):
    """Strict types, no unknown fields, only finite numbers."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )


def bounded(name: str) -> Any:
    """The domain's bounds of a sampling setting."""
    low, high = BOUNDS[name]
    return Field(ge=low, le=high)


def one_or_many(value: object) -> str:
    """The union tag of a value. Tags in angle brackets are removed from error locations."""
    return "<many>" if isinstance(value, list | dict) else "<one>"


Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]
Name = Annotated[str, Field(pattern="^[a-zA-Z0-9_-]{1,64}$")]
Label = Annotated[str, Field(max_length=512)]
StopString = Annotated[str, Field(min_length=1, max_length=MAX_STOP_CHARACTERS)]
StopStrings = Annotated[list[StopString], Field(fail_fast=True, max_length=MAX_STOP_STRINGS)]
Stop = Annotated[
    Annotated[StopString, Tag("<one>")] | Annotated[StopStrings, Tag("<many>")],
    Discriminator(one_or_many),
]
TokenCount = Annotated[int, bounded("max_new_tokens")]
JsonObject = Annotated[dict[str, Any], Field(max_length=1_000)]


class TextPart(Strict):
    type: Literal["text"]
    text: Text


TextParts = Annotated[list[TextPart], Field(fail_fast=True, min_length=1, max_length=MAX_PARTS)]
Content = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[TextParts, Tag("<many>")],
    Discriminator(one_or_many),
]
"""Text, or parts of text that are joined. There are no other parts: the model reads only text."""


class SystemTurn(Strict):
    """There may be several; the role `developer` is the same."""

    role: Literal["system", "developer"]
    content: Content
    name: Label | None = None  # no effect: the model's template has no place for it


class UserTurn(Strict):
    role: Literal["user"]
    content: Content
    name: Label | None = None  # no effect, as above


class CalledFunction(Strict):
    name: Name
    arguments: Text


class Call(Strict):
    """A call in an earlier answer of the model."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    type: Literal["function"] = "function"
    function: CalledFunction


class AssistantTurn(Strict):
    """An assistant message; as the last message it is continued."""

    role: Literal["assistant"]
    content: Content | None = None
    tool_calls: Annotated[list[Call], Field(fail_fast=True, max_length=MAX_CALLS)] | None = None
    name: Label | None = None  # no effect, as above
    refusal: None = None  # answers are sent back as they came, with these fields empty
    audio: None = None
    function_call: None = None
    annotations: Annotated[list[Any], Field(fail_fast=True, max_length=0)] | None = None


class ToolTurn(Strict):
    role: Literal["tool"]
    content: Content
    tool_call_id: Annotated[str, Field(min_length=1, max_length=200)]
    name: Label | None = None  # no effect: the id says which call it answers


Turn = Annotated[SystemTurn | UserTurn | AssistantTurn | ToolTurn, Field(discriminator="role")]
Turns = Annotated[list[Turn], Field(fail_fast=True, min_length=1, max_length=MAX_TURNS)]


class FunctionDefinition(Strict):
    name: Name
    description: Annotated[str, Field(max_length=20_000)] | None = None
    parameters: JsonObject | None = None
    strict: bool | None = None


class ToolDefinition(Strict):
    type: Literal["function"]
    function: FunctionDefinition


Tools = Annotated[list[ToolDefinition], Field(fail_fast=True, max_length=MAX_TOOLS)]


class NamedFunction(Strict):
    name: Name


class NamedTool(Strict):
    type: Literal["function"]
    function: NamedFunction


ToolChoice = Annotated[
    Annotated[Literal["none", "auto", "required"], Tag("<one>")]
    | Annotated[NamedTool, Tag("<many>")],
    Discriminator(one_or_many),
]


class StreamOptions(Strict):
    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None  # nothing is padded


class TextFormat(Strict):
    type: Literal["text"]


class ObjectFormat(Strict):
    type: Literal["json_object"]


class SchemaOfFormat(Strict):
    """The answer always has that shape; `strict` has no effect."""

    model_config = ConfigDict(serialize_by_alias=True)

    name: Name
    json_schema: JsonObject = Field(alias="schema")
    description: Annotated[str, Field(max_length=20_000)] | None = None
    strict: bool | None = None


class SchemaFormat(Strict):
    type: Literal["json_schema"]
    json_schema: SchemaOfFormat


ResponseFormat = Annotated[TextFormat | ObjectFormat | SchemaFormat, Field(discriminator="type")]


class Common(Strict):
    """The fields of both kinds of completions."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: TokenCount | None = None
    min_tokens: Annotated[int, bounded("min_new_tokens")] | None = None
    temperature: Annotated[float, bounded("temperature")] | None = None
    top_p: Annotated[float, bounded("top_p")] | None = None
    top_k: Annotated[int, bounded("top_k")] | None = None
    repetition_penalty: Annotated[float, bounded("repetition_penalty")] | None = None
    presence_penalty: Annotated[float, bounded("presence_penalty")] | None = None
    frequency_penalty: Annotated[float, bounded("frequency_penalty")] | None = None
    seed: Annotated[int, bounded("seed")] | None = None
    stop: Stop | None = None
    user: Label | None = None  # no effect: the key identifies the user
    n: Literal[1] | None = None
    logit_bias: Annotated[dict[str, Any], Field(max_length=0)] | None = None
    store: bool | None = None  # false: the answer is not remembered for being rated
