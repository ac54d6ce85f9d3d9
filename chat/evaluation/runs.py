"""Runs of regression cases: prompts, sampling, retries and results.

Owns the running runs, and the rules for the prompt and the sampling of a case. Cases wait in the
same queue as other requests. Knows no SQL and no page.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from chat.accounts.access import visible_owner
from chat.accounts.errors import TooManyRequests
from chat.accounts.models import Clock, Principal, User, utc_now
from chat.conversations.models import Preset
from chat.errors import AppError, NotFound, StoreFailed
from chat.evaluation.errors import BadCase, RunInProgress
from chat.evaluation.models import Case, CaseVerdict, EarlierAnswers, Result, Run
from chat.evaluation.ports import CaseStore, Judge
from chat.evaluation.validation import MOST_CASES
from chat.evaluation.verdicts import judge_answer
from chat.models import ChatMessage, ChatOptions, Role, Sampling
from chat.serving.background import BackgroundJobs
from chat.serving.engines import serving
from chat.serving.errors import Busy, QueueTimeout, TooManyWaiting
from chat.serving.generation import Generation
from chat.serving.handle import GenerationResult
from chat.serving.models import EngineInfo
from chat.serving.observer import Source
from chat.serving.ports import Engine
from chat.serving.request import GenerationRequest

TRY_AGAIN_S = 5.0
PATIENCE_S = 600.0
"""Total seconds of retries of one case while the queue is full or a quota is exceeded."""

GREEDY = Sampling(temperature=0.0, seed=0)
PASSING = (Busy, QueueTimeout, TooManyRequests, TooManyWaiting)

Take = Callable[[Case, Result], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A run that is ready to start, with its cases. `before` is by case id.

    Without an `engine` the first one answers.
    """

    run: Run
    cases: Sequence[Case]
    before: Mapping[str, EarlierAnswers]
    preset: Preset | None = None
    engine: Engine | None = None


class CaseRunner:
    """Runs cases, `at_once` at a time."""

    def __init__(self, generation: Generation, judge: Judge, *, at_once: int) -> None:
        self._generation = generation
        self._judge = judge
        self._at_once = at_once

    async def run(self, prepared: PreparedRun, take: Take) -> None:
        """Pass each result to `take` as it becomes available; an error is a result too.

        On cancellation unfinished cases have no result. Raises what `take` raises.
        """
        places = asyncio.Semaphore(self._at_once)

        async def one(case: Case) -> None:
            async with places:
                result = await self._result(prepared, case)
                await take(case, result)

        tasks = [asyncio.create_task(one(case)) for case in prepared.cases]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _result(self, prepared: PreparedRun, case: Case) -> Result:
        empty = Result(prepared.run.id, case.id, "", CaseVerdict.ERROR)
        try:
            generated = await self._patiently(prepared, case)
        except AppError as error:
            return replace(empty, error_code=error.code)
        timing = generated.timing if generated.started else None
        result = replace(empty, answer=generated.text, timing=timing)
        if generated.error:
            return replace(result, error_code=generated.error.code)
        before = prepared.before.get(case.id, EarlierAnswers())
        try:
            judged = await judge_answer(case, generated.text, before, self._judge)
        except AppError as error:
            return replace(result, error_code=error.code)
        return replace(result, verdict=judged.verdict, failed=judged.failed)

    async def _patiently(self, prepared: PreparedRun, case: Case) -> GenerationResult:
        """Generate, with retries while there is no room. Raises what `Turns.send` raises."""
        deadline = time.monotonic() + PATIENCE_S
        engine = prepared.engine or self._generation.engine
        prompt = await engine.prepare(prompt_of(case, prepared.preset))
        request = GenerationRequest(
            id=f"{prepared.run.id}/{case.id}",
            source=Source.CASE_RUN,
            user_id=prepared.run.owner_id,
            prompt=prompt,
            options=ChatOptions(sampling=sampling_of(case, prepared.preset)),
            engine=engine,
        )
        while True:
            try:
                result = await self._generate(request)
                if isinstance(result.error, PASSING):
                    raise result.error
                return result
            except PASSING as error:
                wait_s = _wait_s(error)
                if time.monotonic() + wait_s > deadline:
                    raise
                await asyncio.sleep(wait_s)

    async def _generate(self, request: GenerationRequest) -> GenerationResult:
        with ExitStack() as undo:
            reservation = await self._generation.reserve(request.user_id, undo)
            slot = self._generation.enqueue(request.user_id, reservation, undo, request.source)
            undo.pop_all()
        return await self._generation.run(request, slot)


@dataclass(slots=True)
class ActiveRun:
    """A run in progress. `done` of `total` cases have a result; `ending` stores its end."""

    user: User
    prepared: PreparedRun
    task: asyncio.Task[None] | None = None
    ending: asyncio.Task[None] | None = None
    done: int = 0

    @property
    def total(self) -> int:
        return len(self.prepared.cases)


class Runs:
    """Runs started from the page: one for each user at a time, one case at a time."""

    def __init__(
        self,
        store: CaseStore,
        generation: Generation,
        judge: Judge,
        clock: Clock = utc_now,
        background: BackgroundJobs | None = None,
    ) -> None:
        self._store = store
        self._generation = generation
        self._runner = CaseRunner(generation, judge, at_once=1)
        self._clock = clock
        self._background = background or BackgroundJobs()
        self._open: dict[str, ActiveRun] = {}

    @property
    def engines(self) -> Sequence[str]:
        """The names of the engines."""
        return self._generation.engines.names

    async def start(
        self,
        user: User,
        cases: Sequence[Case],
        *,
        preset: Preset | None = None,
        label: str = "",
        against: str | None = None,
        engine: str = "",
    ) -> Run:
        """Start a run on the engine of that name, or on the first, as a background task.

        `against` is the run to compare with; without it, the latest result of each case.
        Raises RunGoingOn, BadCase (none, or too many), EngineNotReady kinds, NotFound.
        """
        selected = self._generation.engines.named(engine)
        run = new_run(serving(selected), user.id, preset, label, self._clock())
        prepared = await prepare(self._store, user, run, cases, preset=preset, against=against)
        prepared = replace(prepared, engine=selected)
        # No await between this check and the entry, so that two concurrent starts cannot both pass.
        if any(active.user.id == user.id for active in self._open.values()):
            raise RunInProgress
        active = self._open[run.id] = ActiveRun(user, prepared)
        with ExitStack() as undo:
            undo.callback(self._open.pop, run.id)
            await self._store.add_run(run)
            undo.pop_all()
        active.task = asyncio.create_task(self._run(active))
        return run

    def progress(self, run_id: str) -> ActiveRun | None:
        """The progress of a run; None if it is not running."""
        return self._open.get(run_id)

    async def cancel(self, user: User, run_id: str) -> None:
        """Cancel a run; its results so far are kept. Raises NotFound."""
        await self._store.run(run_id, visible_owner(user))
        if active := self._open.get(run_id):
            await _stop(active)

    def principals(self) -> frozenset[Principal]:
        """The principals of all running runs."""
        return frozenset(Principal(active.user) for active in self._open.values())

    def stop_requests_of(self, principal_id: str) -> None:
        """Cancel the run of a user who may have lost access."""
        for active in self._open.values():
            if active.user.id == principal_id and active.task:
                active.task.cancel()

    async def close(self) -> None:
        """Cancel all runs; their results so far are kept."""
        await asyncio.gather(*map(_stop, list(self._open.values())))

    async def _run(self, active: ActiveRun) -> None:
        run_id = active.prepared.run.id

        async def keep(case: Case, result: Result) -> None:
            await self._store.add_result(result)
            active.done += 1

        try:
            # The store logs its own failures; NotFound means that the run was deleted meanwhile.
            with suppress(StoreFailed, NotFound):
                await self._runner.run(active.prepared, keep)
        except Exception as error:  # noqa: BLE001 - the top of a task: logged and counted
            self._background.note("run", error)
        finally:
            # A task of its own, which nothing cancels: the end is stored in any case.
            active.ending = asyncio.create_task(self._end(run_id))

    async def _end(self, run_id: str) -> None:
        """Store that a run has ended. Until then it counts as running."""
        try:
            with suppress(StoreFailed):
                await self._store.end_run(run_id, self._clock())
        finally:
            del self._open[run_id]


async def _stop(active: ActiveRun) -> None:
    """Cancel a run and wait until its end is stored."""
    if active.task:
        active.task.cancel()
        await asyncio.wait({active.task})
    if active.ending:
        await active.ending


async def prepare(
    store: CaseStore,
    user: User,
    run: Run,
    cases: Sequence[Case],
    *,
    preset: Preset | None = None,
    against: str | None = None,
) -> PreparedRun:
    """A run with earlier results. Raises BadCase (no cases, or too many), NotFound."""
    if not 1 <= len(cases) <= MOST_CASES:
        raise BadCase(field="cases", why=f"1 to {MOST_CASES}")
    scope = visible_owner(user)
    if against is not None:
        await store.run(against, scope)
    before = await store.history([case.id for case in cases], scope, against)
    return PreparedRun(run, cases, before, preset)


def new_run(
    info: EngineInfo, owner_id: str, preset: Preset | None, label: str, started_at: datetime
) -> Run:
    """A new run on an engine."""
    return Run(
        id=uuid4().hex,
        owner_id=owner_id,
        label=" ".join(label.split())[:100],
        model=info.model,
        revision=info.revision,
        quantization=info.quantization,
        engine=info.engine,
        started_at=started_at,
        preset=preset.ref if preset else None,
    )


def prompt_of(case: Case, preset: Preset | None) -> Sequence[ChatMessage]:
    """The prompt of a case: the preset's system prompt replaces the case's own."""
    if preset is None:
        return case.prompt
    turns = [turn for turn in case.prompt if turn.role is not Role.SYSTEM]
    system = preset.text.system_prompt
    return [ChatMessage(Role.SYSTEM, system), *turns] if system.strip() else turns


def sampling_of(case: Case, preset: Preset | None) -> Sampling:
    """The case's settings over the preset's, with greedy decoding unless the case sets otherwise.

    What neither sets is the model's default.
    """
    calm = replace(preset.text.sampling, temperature=None, seed=None) if preset else Sampling()
    return case.sampling.over(calm).over(GREEDY)


def _wait_s(error: AppError) -> float:
    seconds = error.values.get("retry_after_s")
    return float(seconds) if isinstance(seconds, int | float) else TRY_AGAIN_S
