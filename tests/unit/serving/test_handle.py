"""The handle of a generation: the first cancellation counts, and watchers see every change."""

import asyncio
from contextlib import ExitStack

import pytest

from chat.models import ChatMessage, ChatOptions, Role, Sampling, Status
from chat.serving.errors import ShuttingDown
from chat.serving.generation import Generation
from chat.serving.handle import GenerationHandle
from chat.serving.observer import Source
from chat.serving.request import GenerationRequest
from tests.chat import make_generation
from tests.fakes import Script, ScriptedEngine
from tests.programs import Seen, until

QUESTION = (ChatMessage(Role.USER, "Hi"),)


async def test_the_first_reason_counts_and_a_second_cancellation_does_not_hit_the_clean_up() -> (
    None
):
    cleaned = False

    async def work() -> None:
        nonlocal cleaned
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            cleaned = True

    handle, task = GenerationHandle(), asyncio.create_task(work())
    handle.attach(task)
    await asyncio.sleep(0)
    error = ShuttingDown()
    handle.cancel(error)
    await asyncio.sleep(0)
    handle.cancel(Status.STOPPED)
    await asyncio.wait({task})
    assert cleaned
    assert handle.cancel_reason is error


async def test_a_handle_without_a_task_or_with_one_that_ended_cannot_be_cancelled() -> None:
    handle, task = GenerationHandle(), asyncio.create_task(asyncio.sleep(0))
    handle.cancel()
    handle.attach(task)
    await task
    handle.cancel()
    assert handle.cancel_reason is None


async def request_of(service: Generation, engine: ScriptedEngine) -> GenerationRequest:
    return GenerationRequest(
        id="case",
        source=Source.CASE_RUN,
        user_id="ann",
        prompt=await engine.prepare(QUESTION),
        options=ChatOptions(sampling=Sampling(seed=1)),
        engine=engine,
    )


@pytest.mark.parametrize("script", [Script(["a"], hangs=True), Script([], prefill_s=60)])
async def test_cancelling_the_request_ends_its_generation_and_frees_its_place(
    script: Script,
) -> None:
    engine, seen = ScriptedEngine([script]), Seen()
    service = make_generation(engine, max_running=1, observer=seen)

    async def run() -> None:
        with ExitStack() as undo:
            reservation = await service.reserve("ann", undo)
            slot = service.enqueue("ann", reservation, undo, Source.PAGE)
            undo.pop_all()
        await service.run(await request_of(service, engine), slot)

    task = asyncio.create_task(run())
    await until(lambda: engine.running)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert (engine.running, engine.cancelled) == (0, 1)
    assert [(one.source, one.reason, one.failed) for one in seen.summaries] == [
        (Source.CASE_RUN, "stopped", False)
    ]
    engine.scripts = [Script(["b"])]
    with ExitStack() as undo:
        slot = service.enqueue("ann", await service.reserve("ann", undo), undo, Source.PAGE)
        undo.pop_all()
    assert (await service.run(await request_of(service, engine), slot)).text == "b"


async def test_closing_one_source_leaves_the_others_running() -> None:
    engine = ScriptedEngine([Script(["a"], hangs=True)])
    service = make_generation(engine)
    with ExitStack() as undo:
        slot = service.enqueue("ann", await service.reserve("ann", undo), undo, Source.PAGE)
        undo.pop_all()
    running = asyncio.create_task(service.run(await request_of(service, engine), slot))
    await until(lambda: engine.running)
    await service.close(Source.PAGE, 0, Status.INTERRUPTED)
    assert engine.running == 1
    await service.close(Source.CASE_RUN, 0, ShuttingDown())
    result = await running
    assert (result.status, result.reason) == (Status.ERROR, "shutting_down")
