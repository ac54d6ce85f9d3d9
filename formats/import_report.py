"""What an import did not bring, counted and named. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from chat.conversations.errors import BadImport
from chat.conversations.models import Archive

Read = TypeVar("Read")

MAX_NAMED = 20
"""Places that could not be read and are named; all of them are counted."""


class LeftOut(StrEnum):
    """What of a readable conversation is not imported."""

    PICTURE = "picture"
    RECORDING = "recording"
    FILE = "file"
    TOOL = "tool"
    """A call of a tool, or its result."""
    THINKING = "thinking"
    INSTRUCTIONS = "instructions"
    """A system message that is not the system prompt."""
    HIDDEN = "hidden"
    """A message that the other application does not show."""
    CITATION = "citation"
    """A mark of a source, which has no words."""
    EMPTY = "empty"
    """A conversation without any text."""
    OTHER = "other"


@dataclass(slots=True)
class ImportReport:
    """What was left out by kind, and what could not be read."""

    left_out: Counter[LeftOut] = field(default_factory=Counter)
    not_read: list[BadImport] = field(default_factory=list)
    not_read_count: int = 0

    def refuse(self, error: BadImport) -> None:
        """Count something that could not be read; name it while there is room."""
        self.not_read_count += 1
        if len(self.not_read) < MAX_NAMED:
            self.not_read.append(error)

    def add(self, other: "ImportReport") -> None:
        """Add the report of one conversation."""
        self.left_out += other.left_out
        self.not_read += other.not_read[: MAX_NAMED - len(self.not_read)]
        self.not_read_count += other.not_read_count


@dataclass(frozen=True, slots=True)
class Imported:
    """The conversations of a file in its order, and what it did not bring."""

    archives: Sequence[Archive]
    report: ImportReport


@dataclass(frozen=True, slots=True)
class ImportContext:
    """For whom one conversation is read, the time it gets without one, and its report."""

    owner_id: str
    now: datetime
    report: ImportReport = field(default_factory=ImportReport)

    def leave_out(self, kind: LeftOut, count: int = 1) -> None:
        if count:
            self.report.left_out[kind] += count

    def unless_broken(self, read: Callable[[], Read]) -> Read | None:
        """What `read` returns; None for a message that cannot be read, which is reported."""
        try:
            return read()
        except BadImport as error:
            self.report.refuse(error)
            return None


def counts_of(report: ImportReport) -> Mapping[str, int]:
    """How much was left out of each kind, in the order of `LeftOut`."""
    return {kind.value: report.left_out[kind] for kind in LeftOut if report.left_out[kind]}
