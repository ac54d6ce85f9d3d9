"""Items of `input` at /v1/responses, with a bound on every length and count.

Fields that other servers add to an item say nothing to the model and are not read, so that the
items of an earlier response can be sent back as they came.
"""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator
from pydantic.json_schema import SkipJsonSchema

from api.openai.request_parts import MAX_PARTS, MAX_TURNS, Name, Strict, Text, one_or_many

CallId = Annotated[str, Field(min_length=1, max_length=200)]
ITEM_TAGS = {
    "message": "<message>",
    "function_call": "<call>",
    "function_call_output": "<result>",
    "reasoning": "<reasoning>",
}
OTHER_ITEMS = frozenset(
    {
        "additional_tools",
        "apply_patch_call",
        "apply_patch_call_output",
        "code_interpreter_call",
        "compaction",
        "compaction_trigger",
        "computer_call",
        "computer_call_output",
        "custom_tool_call",
        "custom_tool_call_output",
        "file_search_call",
        "image_generation_call",
        "local_shell_call",
        "local_shell_call_output",
        "mcp_approval_request",
        "mcp_approval_response",
        "mcp_call",
        "mcp_list_tools",
        "shell_call",
        "shell_call_output",
        "tool_search_call",
        "tool_search_output",
        "web_search_call",
    }
)
"""Types of items that OpenAI's own server reads; an error repeats these names alone."""

REFERENCE = (
    "nothing is stored here that an id could refer to: send the whole item instead of a reference"
)
ONLY_THESE = "leave it out; read are message, function_call, function_call_output and reasoning"
ONLY_TEXT = "only text is read, as a string or as parts of type input_text or output_text"


def type_of(value: object) -> str | None:
    """The `type` of an object of a request, or of the model made of it; None if it is no text."""
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if isinstance(kind, str) else None


class InputItem(Strict):
    """An item or a part of one; what is not declared is not read."""

    model_config = ConfigDict(extra="ignore")


class TextOfItem(InputItem):
    type: Literal["input_text", "output_text", "text"]
    text: Text


class RefusalOfItem(InputItem):
    """Of another server's model: it is what its assistant said."""

    type: Literal["refusal"]
    refusal: Text

    @property
    def text(self) -> str:
        return self.refusal


class OtherPart(InputItem):
    """A picture, a file, a sound."""

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, value: Any) -> Any:
        raise ValueError(ONLY_TEXT)


def _part_tag(value: object) -> str:
    kind = type_of(value)
    if kind == "refusal":
        return "<refusal>"
    return "<text>" if kind in ("input_text", "output_text", "text") else "<other>"


Part = Annotated[
    Annotated[TextOfItem, Tag("<text>")]
    | Annotated[RefusalOfItem, Tag("<refusal>")]
    | Annotated[SkipJsonSchema[OtherPart], Tag("<other>")],
    Discriminator(_part_tag),
]
Parts = Annotated[list[Part], Field(fail_fast=True, max_length=MAX_PARTS)]
ItemContent = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[Parts, Tag("<many>")], Discriminator(one_or_many)
]


class MessageItem(InputItem):
    """A message; an assistant's that calls follow is one turn with them."""

    type: Literal["message"] | None = None
    role: Literal["user", "system", "developer", "assistant"]
    content: ItemContent


class CallItem(InputItem):
    """A call in an earlier response."""

    type: Literal["function_call"]
    call_id: CallId
    name: Name
    arguments: Text


class CallResultItem(InputItem):
    """The result of the call with that id."""

    type: Literal["function_call_output"]
    call_id: CallId
    output: ItemContent


class ReasoningItem(InputItem):
    """Another server's; it is left out, because this model reads no reasoning."""

    type: Literal["reasoning"]


class OtherItem(InputItem):
    """An item that cannot be read here."""

    @model_validator(mode="before")
    @classmethod
    def _refuse(cls, value: Any) -> Any:
        kind = type_of(value)
        if kind == "item_reference" or (kind is None and "id" in value):
            raise ValueError(REFERENCE)
        raise ValueError(f"{kind}: {ONLY_THESE}" if kind in OTHER_ITEMS else ONLY_THESE)


def _item_tag(value: object) -> str:
    if not isinstance(value, dict):
        return "<message>"
    kind = type_of(value) or ("message" if value.keys() & {"role", "content"} else "")
    return ITEM_TAGS.get(kind, "<other>")


Item = Annotated[
    Annotated[MessageItem, Tag("<message>")]
    | Annotated[CallItem, Tag("<call>")]
    | Annotated[CallResultItem, Tag("<result>")]
    | Annotated[ReasoningItem, Tag("<reasoning>")]
    | Annotated[SkipJsonSchema[OtherItem], Tag("<other>")],
    Discriminator(_item_tag),
]
Items = Annotated[list[Item], Field(fail_fast=True, max_length=MAX_TURNS)]
Input = Annotated[
    Annotated[Text, Tag("<one>")] | Annotated[Items, Tag("<many>")], Discriminator(one_or_many)
]


def text_of(content: str | list[Any]) -> str:
    """The text of an item's content: its parts are joined."""
    return content if isinstance(content, str) else "".join(part.text for part in content)
