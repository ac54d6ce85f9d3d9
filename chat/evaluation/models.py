"""Regression cases as values: a prompt, what must hold of its answer, and what runs gave.

Knows no page, no engine and no SQL; `chat.evaluation.runs` runs cases.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.models import ChatMessage, PresetRef, Sampling, Timing


class CheckKind(StrEnum):
    """How an answer is judged. HUMAN: a person says it for each run."""

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
    """A prompt and what must hold of its answer. `reference` is the answer that it came from.

    A system message of the `prompt` is replaced by the preset that a run is about, if it has one.
    `snapshot_id` is the rated answer that it was made of.
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
    """What came of a case. CHANGED: a person must judge, and the answer is another than before."""

    PASSED = "passed"
    FAILED = "failed"
    CHANGED = "changed"
    OPEN = "open"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Run:
    """One replay of cases on one preset and model."""

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
    """What a host writes of a case; the fields are those of `chat.evaluation.models.Case`.

    `key` names a case in a file, so that its runs can be told to be the same case's.
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
    """A run, and how many of its cases came to what."""

    run: Run
    counts: Mapping[CaseVerdict, int]


@dataclass(frozen=True, slots=True)
class EarlierAnswers:
    """What earlier runs gave for a case: the answer to compare with, and those that were judged.

    `answer` is None where there is nothing to compare with.
    """

    answer: str | None = None
    judged: Mapping[str, CaseVerdict] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and the indices of checks that did not hold."""

    verdict: CaseVerdict
    failed: tuple[int, ...] = ()
