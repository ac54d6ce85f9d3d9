"""Frozen values that several rooms share."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum

from chat.tools import ToolCall


class Role(StrEnum):
    """Who speaks. An enum because the chat template writes roles as control text, unescaped."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"
    """What a tool gave back. Only programs send it; no conversation of the page has it."""


class Status(StrEnum):
    """Where a stored message stands. Only PENDING and STREAMING ever change."""

    PENDING = "pending"
    STREAMING = "streaming"
    DONE = "done"
    STOPPED = "stopped"
    ERROR = "error"
    INTERRUPTED = "interrupted"

    @property
    def is_open(self) -> bool:
        return self in (Status.PENDING, Status.STREAMING)


class Finish(StrEnum):
    """Why the model stopped writing, in the words of the OpenAI API."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn as the model sees it. Only an assistant's has `calls`.

    A `partial` assistant message is the last one of its prompt: the model continues its text. An
    assistant message that is not partial is complete, also where it is the last one.
    """

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()
    partial: bool = field(default=False, repr=False)  # keys of case files are digests of the repr


Prompt = Sequence[ChatMessage] | str
"""The input of a generation: messages, or bare text that the model continues."""


def partial_text(prompt: Prompt) -> str:
    """The text of an answer that the prompt has begun and the model continues; else empty."""
    last = prompt[-1] if prompt and not isinstance(prompt, str) else None
    return last.content if last and last.partial else ""


@dataclass(frozen=True, slots=True)
class TokenPrompt:
    """Bare text as token ids of the model that continues it."""

    token_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FillInPrompt:
    """Bare text with a gap before `suffix`, which the model fills in."""

    text: str
    suffix: str


BarePrompt = str | TokenPrompt | FillInPrompt
"""What is continued without a chat template. Names of control tokens in it are control tokens."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the next token is chosen. None means: the model's own default.

    temperature 0 is greedy; top_k 0 considers every token; max_new_tokens counts generated tokens.
    The presence and frequency penalties look at the answer alone, in the words of the OpenAI API.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    repetition_penalty: float | None = None
    max_new_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    min_new_tokens: int | None = None

    def summary(self) -> str:
        """The settings as text: "temperature 0.2, seed 7"; empty without settings."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        set_here = (f"{name} {value}" for name, value in values.items() if value not in (None, ()))
        return ", ".join(set_here)

    def over(self, defaults: "Sampling") -> "Sampling":
        """This sampling, with unset values taken from `defaults`."""
        chosen = {
            item.name: value
            for item in fields(self)
            if (value := getattr(self, item.name)) is not None and value != ()
        }
        return replace(defaults, **chosen)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one answer: what went in, what came out."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class Timing:
    """Where the time of one answer went, in seconds from when the engine took the request.

    `queue_s` is the wait before that. `decode_tokens_per_s` leaves out the first token.
    """

    queue_s: float = 0.0
    prefill_s: float = 0.0
    ttft_s: float = 0.0
    total_s: float = 0.0
    decode_tokens_per_s: float = 0.0
    reused_prompt_tokens: int = 0


@dataclass(frozen=True, slots=True)
class PresetRef:
    """One version of a preset, by name."""

    id: str
    version: int

    @classmethod
    def parse(cls, words: str) -> "PresetRef | None":
        """The version that is written as "id@version"; None where that is not what it says.

        A version has nine digits at most: no number of so many has ever been too large to store.
        """
        name, _, version = words.rpartition("@")
        is_number = version.isascii() and version.isdecimal() and len(version) <= 9
        return cls(name, int(version)) if name and len(name) <= 100 and is_number else None


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything needed to make the same answer again, or to explain why it cannot be.

    The first `continued_characters` of the answer were there before and given to the model.
    """

    model: str
    revision: str
    quantization: str
    engine: str
    sampling: Sampling
    prompt_sha256: str
    dropped_turns: int = 0
    system_prompt: str = ""
    preset: PresetRef | None = None
    continued_characters: int = 0


@dataclass(frozen=True, slots=True)
class ChatOptions:
    """The options of a conversation, and the preset that it began with."""

    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preset: PresetRef | None = None
