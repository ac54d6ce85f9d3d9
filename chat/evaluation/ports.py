"""What evaluation needs of a store, of ratings and of a judge."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    Check,
    EarlierAnswers,
    Result,
    Run,
    VerdictCounts,
)
from chat.feedback.models import RatedAnswer


class CaseStore(Protocol):
    """Stores cases, runs and results. `owner_id` None: any; another owner's raises NotFound."""

    async def add(self, cases: Sequence[Case]) -> None:
        """All or none. Raises NotFound for owners who do not exist (any more)."""
        ...

    async def cases(self, owner_id: str | None) -> Sequence[Case]:
        """By name."""
        ...

    async def case(self, case_id: str, owner_id: str | None) -> Case: ...

    async def change(self, case_id: str, owner_id: str | None, text: CaseText) -> Case: ...

    async def delete(self, case_id: str, owner_id: str | None) -> None:
        """Its results stay."""
        ...

    async def add_run(self, run: Run) -> None:
        """Raises NotFound as `add` does."""
        ...

    async def end_run(self, run_id: str, ended_at: datetime) -> None: ...

    async def add_result(self, result: Result) -> None:
        """Raises NotFound if the run was deleted meanwhile."""
        ...

    async def runs(self, owner_id: str | None, limit: int = 100) -> Sequence[VerdictCounts]:
        """Newest first."""
        ...

    async def run(self, run_id: str, owner_id: str | None) -> Run: ...

    async def results(self, run_id: str) -> Sequence[Result]: ...

    async def delete_run(self, run_id: str, owner_id: str | None) -> None:
        """With its results."""
        ...

    async def judge(
        self, run_id: str, case_id: str, verdict: CaseVerdict, judged_by: str
    ) -> Result:
        """Store a human verdict. Raises NotFound where no human check is open."""
        ...

    async def history(
        self, case_ids: Collection[str], owner_id: str | None, against: str | None
    ) -> Mapping[str, EarlierAnswers]:
        """Earlier results; the answer is that of the run `against`, or the latest."""
        ...


class RatedAnswers(Protocol):
    """Rated answers that a user may see; None sees all."""

    async def rated(self, seen_by: str | None, snapshot_id: str) -> RatedAnswer:
        """Raises NotFound."""
        ...


class Judge(Protocol):
    """Evaluates REGEX, JSON_SCHEMA and MATHS checks, in a process with a time limit."""

    async def read(self, check: Check) -> None:
        """Parse what a check expects. Raises BadCheck, CheckTooCostly."""
        ...

    async def holds(self, check: Check, answer: str) -> bool:
        """Whether the check passes. Raises BadCheck, CheckTooCostly."""
        ...
