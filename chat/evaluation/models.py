"""Values of regression cases: prompts, checks, runs, results and verdicts.

Knows no page, no engine and no SQL; `chat.evaluation.runs` runs cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.models import ChatMessage, PresetRef, Sampling, Timing


class CheckKind(StrEnum):
    """How an answer is judged. HUMAN: by a user, for each run."""

    CONTAINS = "contains"
    REGEX = "regex"
    JSON_SCHEMA = "json-schema"
    MATHS = "maths"
    HUMAN = "human"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold. `expected` is a text, a pattern, a schema, or a maths result."""

    kind: CheckKind
    expected: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A prompt with checks of its answer. `reference` is the answer that it was derived from.

    The preset of a run, if any, replaces a system message of the `prompt`. `snapshot_id` is the
    rated answer that the case was derived from.
    """

    id: str
    owner_id: str
    name: str
    prompt: tuple[ChatMessage, ...]
    checks: tuple[Check, ...]
    created_at: datetime
    sampling: Sampling = field(default_factory=Sampling)
    reference: str = ""
    snapshot_id: str = ""


class CaseVerdict(StrEnum):
    """The verdict on a case. CHANGED: a HUMAN check, and another answer than before."""

    PASSED = "passed"
    FAILED = "failed"
    CHANGED = "changed"
    OPEN = "open"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of cases with one preset and model."""

    id: str
    owner_id: str
    label: str
    model: str
    revision: str
    quantization: str
    engine: str
    started_at: datetime
    preset: PresetRef | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of one case in one run. `failed` are the indices of checks that did not hold."""

    run_id: str
    case_id: str
    answer: str
    verdict: CaseVerdict
    failed: tuple[int, ...] = ()
    error_code: str = ""
    timing: Timing | None = None
    judged_by: str = ""


@dataclass(frozen=True, slots=True)
class CaseText:
    """The editable part of a `Case`.

    `key` identifies a case in a file, so that its runs can be compared.
    """

    name: str
    prompt: tuple[ChatMessage, ...]
    checks: tuple[Check, ...]
    sampling: Sampling = field(default_factory=Sampling)
    reference: str = ""
    snapshot_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """A run with the number of its cases by verdict."""

    run: Run
    counts: Mapping[CaseVerdict, int]


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """Earlier results of a case: the answer to compare with, and human verdicts by answer.

    `answer` is None without an earlier run.
    """

    answer: str | None = None
    judged: Mapping[str, CaseVerdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the indices of the checks that failed."""

    verdict: CaseVerdict
    failed: tuple[int, ...] = ()
