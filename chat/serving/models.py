"""The engine's state and what it streams, as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from chat.models import ChatMessage, Finish, Prompt, Sampling, Timing, Usage
from chat.tools import CallPiece, TokenScore


class Phase(StrEnum):
    """The engine's life: loading → ready ⇄ degraded → dead."""

    LOADING = "loading"
    READY = "ready"
    DEGRADED = "degraded"
    DEAD = "dead"


class LoadStage(StrEnum):
    """The steps of loading an engine."""

    DOWNLOAD = "download"
    CONVERT = "convert"
    VERIFY = "verify"
    LOAD = "load"
    WARM_UP = "warm-up"


@dataclass(frozen=True, slots=True)
class PreparedPrompt:
    """A prompt in token ids: tokenised once, for the one engine that made it.

    `turn_ends[n]` is the number of tokens up to the end of message `n`. It is empty for bare text,
    and where the chat template does not end each turn with the same token.
    """

    prompt: Prompt
    token_ids: Sequence[int]
    turn_ends: Sequence[int] = ()

    @property
    def tokens(self) -> int:
        return len(self.token_ids)

    @property
    def messages(self) -> Sequence[ChatMessage]:
        """The messages of a conversation; none for bare text."""
        return () if isinstance(self.prompt, str) else self.prompt

    def prefix_tokens(self, messages: int) -> int:
        """How many tokens the first `messages` messages take; 0 where that is unknown."""
        return self.turn_ends[messages - 1] if 0 < messages <= len(self.turn_ends) else 0


@dataclass(frozen=True, slots=True)
class Delta:
    """New text of an answer; the last one has the finish reason and the usage.

    An empty delta is a sign of life: a prefill chunk is done, or another request was served.
    `completion_tokens` counts the tokens so far. The first token may bring the `timing` known by
    then. `calls` and `scores` come only if they were asked for, and so do `prompt_scores`: with
    the first token, one for each token of the prompt. The first of those has no log probability (it
    says 0), because nothing precedes it.
    """

    text: str = ""
    completion_tokens: int = 0
    finish: Finish | None = None
    usage: Usage | None = None
    timing: Timing | None = None
    calls: tuple[CallPiece, ...] = ()
    scores: tuple[TokenScore, ...] = ()
    prompt_scores: tuple[TokenScore, ...] = ()


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
    """The state of an engine. While loading: the stage, its share done (0–1), text for the log.

    `seconds_left` is an estimate; `error_code` and `detail` say what is wrong if degraded or dead.
    """

    phase: Phase
    stage: LoadStage | None = None
    progress: float | None = None
    seconds_left: float | None = None
    detail: str = ""
    error_code: str | None = None
