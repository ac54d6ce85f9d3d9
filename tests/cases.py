"""The services of regression cases, for tests: over a database, or without cases."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from chat.accounts.models import Clock, utc_now
from chat.errors import NotFound
from chat.evaluation.cases import Cases
from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    EarlierAnswers,
    Result,
    Run,
    VerdictCounts,
)
from chat.evaluation.runs import Runs
from chat.evaluation.shipped_cases import load_shipped_cases
from chat.feedback.models import RatedAnswer
from chat.serving.generation import Generation
from judging.judge import ProcessJudge
from store import RoutingStore
from tests.databases import has_database
from tests.memory_store import MemoryStore

PATIENCE_S = 60


class NoCases:
    """`chat.evaluation.ports.CaseStore` and `chat.evaluation.ports.RatedAnswers`, without any."""

    async def rated(self, seen_by: str | None, snapshot_id: str) -> RatedAnswer:
        raise NotFound

    async def add(self, cases: Sequence[Case]) -> None:
        raise NotFound

    async def cases(self, owner_id: str | None) -> Sequence[Case]:
        return ()

    async def case(self, case_id: str, owner_id: str | None) -> Case:
        raise NotFound

    async def change(self, case_id: str, owner_id: str | None, text: CaseText) -> Case:
        raise NotFound

    async def delete(self, case_id: str, owner_id: str | None) -> None:
        raise NotFound

    async def add_run(self, run: Run) -> None:
        raise NotFound

    async def end_run(self, run_id: str, ended_at: datetime) -> None: ...

    async def add_result(self, result: Result) -> None:
        raise NotFound

    async def runs(self, owner_id: str | None, limit: int = 100) -> Sequence[VerdictCounts]:
        return ()

    async def run(self, run_id: str, owner_id: str | None) -> Run:
        raise NotFound

    async def results(self, run_id: str) -> Sequence[Result]:
        return ()

    async def delete_run(self, run_id: str, owner_id: str | None) -> None:
        raise NotFound

    async def judge(
        self, run_id: str, case_id: str, verdict: CaseVerdict, judged_by: str
    ) -> Result:
        raise NotFound

    async def history(
        self, case_ids: Collection[str], owner_id: str | None, against: str | None
    ) -> Mapping[str, EarlierAnswers]:
        return {}


def cases_of(
    store: MemoryStore | RoutingStore, generation: Generation, clock: Clock = utc_now
) -> tuple[Cases, Runs]:
    """The services over that store."""
    judge, shipped = ProcessJudge(PATIENCE_S), load_shipped_cases()
    if has_database(store):
        stored = store.feedback
        cases = Cases(stored.cases, stored.results, judge, shipped, clock)
        return cases, Runs(stored.cases, generation, judge, clock)
    none = NoCases()
    return Cases(none, none, judge, shipped, clock), Runs(none, generation, judge, clock)
