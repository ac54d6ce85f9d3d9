"""The values that cross rooms: frozen, without behaviour beyond their own consistency."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum

from chat.calls import CallPiece, TokenScore, ToolCall

LOCAL_USER = "local"
"""Owner of everything while there are no accounts."""

TEMPORARY = "temporary-"
"""So begin the ids of conversations that leave no row, and of their messages."""


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


class Origin(StrEnum):
    """Where the text of a message comes from."""

    HERE = "here"
    EDITED = "edited"
    IMPORTED = "imported"


class Phase(StrEnum):
    """The engine's life: loading → ready ⇄ degraded → dead."""

    LOADING = "loading"
    READY = "ready"
    DEGRADED = "degraded"
    DEAD = "dead"


class Stage(StrEnum):
    """What is going on while the engine is loading."""

    DOWNLOAD = "download"
    CONVERT = "convert"
    VERIFY = "verify"
    LOAD = "load"
    WARM_UP = "warm-up"


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn as the model sees it. Only an assistant's has `calls`."""

    role: Role
    content: str
    calls: tuple[ToolCall, ...] = ()


Prompt = Sequence[ChatMessage] | str
"""What an answer is written from: turns, or bare text that is simply gone on with."""


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

    def told(self) -> str:
        """What is set, as "temperature 0.2, seed 7"; empty where nothing is."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        set_here = (f"{name} {value}" for name, value in values.items() if value not in (None, ()))
        return ", ".join(set_here)

    def over(self, defaults: "Sampling") -> "Sampling":
        """This sampling, with what is left open taken from `defaults`."""
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
class Delta:
    """New text of an answer; the last one also says why it ended and what it cost.

    A delta without text is a sign of life: a prefill chunk is done, or others are being served.
    `completion_tokens` counts the tokens so far. With the first token may come the `timing` as far
    as it is known then. `calls` and `scores` come only if they were asked for.
    """

    text: str = ""
    completion_tokens: int = 0
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    calls: tuple[CallPiece, ...] = ()
    scores: tuple[TokenScore, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What is serving.

    `notes` are codes that the page explains: "starter-model", "one-at-a-time".
    """

    engine: str
    model: str
    revision: str
    quantization: str
    dtype: str
    device: str
    context_length: int
    max_concurrent: int
    defaults: Sampling
    licence: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineState:
    """How the engine is. While loading: the stage, its share done (0–1) and words for the log.

    `seconds_left` is an estimate; `error_code` and `detail` say what is wrong if degraded or dead.
    """

    phase: Phase
    stage: Stage | None = None
    progress: float | None = None
    seconds_left: float | None = None
    detail: str = ""
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class PresetRef:
    """One version of a preset, by name."""

    id: str
    version: int


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
    """What the person has set for a conversation, and the preset it began with."""

    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preset: PresetRef | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A text file that goes with a question: shown by its name, told to the model as data."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """One entry of the list. `head_id` is the last message of the path that is shown.

    `campaign_id` is the campaign that it is held for, if it is for one.
    """

    id: str
    owner: str
    title: str
    options: ChatOptions
    head_id: str | None
    created_at: datetime
    updated_at: datetime
    pinned: bool = False
    campaign_id: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """One node of a conversation's tree. Nothing is overwritten: retry and edit add a sibling."""

    id: str
    conversation_id: str
    parent_id: str | None
    role: Role
    content: str
    status: Status
    created_at: datetime
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    error_code: str | None = None
    attachments: tuple[Attachment, ...] = ()
    origin: Origin = Origin.HERE


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks. The same `request_id` is the same question, however often it comes.

    It goes below the head of its conversation, or beside the question `beside`. `title`,
    `temporary` and `campaign_id` are for the conversation that it may begin; a temporary one
    leaves no row.
    """

    text: str
    request_id: str
    title: str = ""
    attachments: tuple[Attachment, ...] = ()
    beside: str | None = None
    temporary: bool = False
    campaign_id: str = ""


@dataclass(frozen=True, slots=True)
class Archive:
    """One conversation with the messages of all its branches, parents before their children."""

    conversation: Conversation
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of text with what was looked for: `marks` are [start, end) within `text`."""

    text: str
    marks: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A conversation in which a search found something.

    `message_id` is the newest message with all words; None when they are in the title alone.
    """

    conversation: Conversation
    title: Excerpt
    message_id: str | None = None
    excerpt: Excerpt | None = None


@dataclass(frozen=True, slots=True)
class PresetText:
    """What a preset says. `language` is that of a shipped one ("zh", "en"), else empty."""

    name: str
    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    questions: tuple[str, ...] = ()
    language: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """One version of a preset. `owner` is empty for a shipped one; `shared` shows it to all."""

    ref: PresetRef
    owner: str
    shared: bool
    text: PresetText
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Turn:
    """What one accepted question made: written together or not at all."""

    conversation: Conversation
    question: Message
    answer: Message


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """The end of an answer, written in one update."""

    content: str
    status: Status
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    provenance: Provenance | None = None
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """A picture of an answer being written, for whoever is looking.

    While PENDING: `position` (1 is next) and `wait_s`, the estimate. STREAMING without text means
    that the prompt is being read. `tokens_per_s` is the rate so far. `dropped_turns` of the oldest
    are not in the prompt.
    """

    message_id: str
    text: str = ""
    status: Status = Status.PENDING
    position: int | None = None
    wait_s: float | None = None
    completion_tokens: int = 0
    tokens_per_s: float | None = None
    dropped_turns: int = 0
    error_code: str | None = None
