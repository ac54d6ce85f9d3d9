"""The access policy of regression cases and their runs."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from chat.accounts.models import AccountRole, User
from chat.evaluation.cases import Cases
from chat.evaluation.models import CaseText, CaseVerdict, Check, CheckKind, Result, Run
from chat.evaluation.runs import Runs
from chat.models import ChatMessage, Role
from judging.judge import ProcessJudge
from store import RoutingStore
from tests.access import (
    AT,
    A,
    Act,
    N,
    Policy,
    actions_of,
    add_users,
    guest_link,
    make_user,
    outcomes,
)
from tests.chat import make_generation
from tests.contract.feedback_rows import BAD, LATER, SNAPSHOT
from tests.contract.users import JOINED
from tests.fakes import ScriptedEngine
from tests.migrated import opened_store

TEXT = CaseText("A", (ChatMessage(Role.USER, "Say A"),), (Check(CheckKind.HUMAN),))

ROOT, ANN, BOB = make_user("root", AccountRole.ADMIN), make_user("ann"), make_user("bob")
GUS = make_user("gus", AccountRole.GUEST, "link")

USERS = (ROOT, ANN, BOB, GUS)
"""An administrator, the owner of the rows, another member, and a guest."""

POLICY: Policy = {
    "Cases.list": (A, A, A, N),
    "Cases.runs": (A, A, A, N),
    "Cases.add": (A, A, A, N),
    "Cases.draft": (A, N, N, N),
    "Cases.get": (A, A, N, N),
    "Cases.change": (A, A, N, N),
    "Cases.run": (A, A, N, N),
    "Cases.judge": (A, A, N, N),
    "Runs.start": (A, A, N, N),
    "Runs.cancel": (A, A, N, N),
    "Cases.delete": (A, A, N, N),
    "Cases.delete_run": (A, A, N, N),
}
"""`Cases.draft` is of an answer outside campaigns, which only administrators see."""


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[RoutingStore]:
    async with opened_store(tmp_path) as store:
        await add_users(store.accounts, (ROOT, ANN, BOB))
        await store.accounts.add_guest_link("token", guest_link("link", ANN.id), JOINED)
        await add_users(store.accounts, [GUS])
        yield store


async def add_run(store: RoutingStore, run_id: str, case_id: str) -> str:
    """A run of ann with one answer that waits for a verdict."""
    run = Run(run_id, ANN.id, "", "m", "r", "none", "local", AT)
    await store.feedback.cases.add_run(run)
    await store.feedback.cases.add_result(Result(run_id, case_id, "Lyon", CaseVerdict.OPEN))
    return run_id


async def test_administrators_manage_all_cases_members_their_own_guests_none(
    store: RoutingStore,
) -> None:
    judge = ProcessJudge()
    cases = Cases(store.feedback.cases, store.feedback.results, judge)
    runs = Runs(store.feedback.cases, make_generation(ScriptedEngine()), judge)
    case, *spare = await cases.add(ANN, *[TEXT] * 5)
    run_id = await add_run(store, "run", case.id)
    spare_runs = [await add_run(store, f"run {number}", case.id) for number in range(4)]
    snapshot = replace(SNAPSHOT, owner_id=ANN.id)
    await store.feedback.ratings.rate(snapshot, ANN.id, BAD, LATER)

    async def start(user: User) -> None:
        """Another run, of the user's own, compared with this one."""
        await runs.start(user, [case], against=run_id)
        await runs.close()

    acts: Mapping[str, Act] = {
        "Cases.list": cases.list,
        "Cases.runs": cases.runs,
        "Cases.add": lambda user: cases.add(user, TEXT),
        "Cases.draft": lambda user: cases.draft(user, snapshot.id),
        "Cases.get": lambda user: cases.get(user, case.id),
        "Cases.change": lambda user: cases.change(user, case.id, TEXT),
        "Cases.run": lambda user: cases.run(user, run_id),
        "Cases.judge": lambda user: cases.judge(user, run_id, case.id, good=True),
        "Runs.start": start,
        "Runs.cancel": lambda user: runs.cancel(user, run_id),
        "Cases.delete": lambda user: cases.delete(user, spare.pop().id),
        "Cases.delete_run": lambda user: cases.delete_run(user, spare_runs.pop()),
    }
    assert acts.keys() == actions_of(Cases, Runs)
    assert await outcomes(acts, USERS) == POLICY


async def test_the_lists_have_the_rows_that_the_user_sees(store: RoutingStore) -> None:
    cases = Cases(store.feedback.cases, store.feedback.results, ProcessJudge())
    (case,) = await cases.add(ANN, TEXT)
    await add_run(store, "run", case.id)
    for user, count in ((ROOT, 1), (ANN, 1), (BOB, 0)):
        assert len(await cases.list(user)) == len(await cases.runs(user)) == count
