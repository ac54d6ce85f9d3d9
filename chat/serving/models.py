"""The engine's state and what it streams, as values."""

from dataclasses import dataclass
from enum import StrEnum

from chat.models import Finish, Sampling, Timing, Usage
from chat.tools import CallPiece, TokenScore


class Phase(StrEnum):
    """The engine's life: loading → ready ⇄ degraded → dead."""

    LOADING = "loading"
    READY = "ready"
    DEGRADED = "degraded"
    DEAD = "dead"


class LoadStage(StrEnum):
    """What is going on while the engine is loading."""

    DOWNLOAD = "download"
    CONVERT = "convert"
    VERIFY = "verify"
    LOAD = "load"
    WARM_UP = "warm-up"


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
    stage: LoadStage | None = None
    progress: float | None = None
    seconds_left: float | None = None
    detail: str = ""
    error_code: str | None = None
