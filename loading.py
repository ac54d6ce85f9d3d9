"""The engines, made from settings, and how their loading is told in the terminal.

The second model is loaded before the first: the two never load while one of them answers, and the
first takes what memory is left.
"""

import asyncio
import logging
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from chat.errors import AppError
from chat.serving.engines import Engines, name_of
from chat.serving.models import EngineState, Phase
from chat.serving.ports import Engine
from config import Settings

log = logging.getLogger("qwen_chat")

Report = Callable[[EngineState], None]

SHARE_OF_SECOND = 0.5
"""Part of the free memory that the second model may take at most."""

LOOK_S = 1.0


class LoadProgress:
    """Says in the terminal how the loading goes: each new thing, and each tenth of a stage."""

    def __init__(self) -> None:
        self._last_step: tuple[object, ...] | None = None

    def report(self, state: EngineState) -> None:
        step = (state.stage, state.detail, int((state.progress or 0) * 10))
        if state.phase is Phase.LOADING and state.stage and step != self._last_step:
            percent = "" if state.progress is None else f" {state.progress:.0%}"
            announce(f"{state.stage.value}{percent} {state.detail}".rstrip())
            self._last_step = step


def announce(sentence: str) -> None:
    """One line for whoever started the app, and for the log."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - the terminal is meant
    log.info(sentence)


async def load(engine: Engine, load_progress: LoadProgress) -> None:
    """Load the model and tell how that goes. Raises what the engine raises."""
    async with _followed(engine, load_progress.report):
        await engine.start()
    if info := engine.info:
        licence = f" Licence: {info.licence}." if info.licence else ""
        announce(f"Ready: {name_of(info)} on {info.device}.{licence}")


async def load_engine(settings: Settings) -> Engine:
    """An engine that is ready, for a command. Raises what the engine raises."""
    load_progress = LoadProgress()
    engine = _build(settings, load_progress)
    await load(engine, load_progress)
    return engine


def build_engines(settings: Settings, load_progress: LoadProgress) -> Engines:
    """The engine that `load` loads, and the second one that comes with it if it is wanted."""
    if settings.second is None:
        return Engines(_build(settings, load_progress))
    second = _build(settings.second, load_progress, share=SHARE_OF_SECOND)
    return Engines(_build(settings, load_progress, second=second), second)


def _build(
    settings: Settings,
    load_progress: LoadProgress,
    *,
    second: Engine | None = None,
    share: float = 1.0,
) -> Engine:
    """A local engine that takes up to `share` of the memory that is free, after the `second`."""
    from engine.local import EngineOptions, LocalEngine  # noqa: PLC0415 - after the quick refusals
    from engine.weights.background import ensure_model  # noqa: PLC0415

    async def fetch(report: Report) -> Path:
        def report_and_print(state: EngineState) -> None:
            report(state)
            load_progress.report(state)  # here, because some steps are shorter than the next look

        folder = await ensure_model(settings, report_and_print)
        if second:
            await _load_second(second, report_and_print)
        return folder

    return LocalEngine(
        EngineOptions(
            device=settings.device,
            quantization=settings.quantization,
            context_length=settings.context_length,
            max_new_tokens=settings.max_new_tokens,
            max_concurrent=settings.max_concurrent,
            kv_cache_gib=settings.kv_cache_gib,
            stall_timeout_s=settings.stall_timeout_s,
            memory_share=share,
        ),
        fetch=fetch,
    )


async def _load_second(second: Engine, report: Report) -> None:
    """Load it while the first one is reported as loading. Without it the app is of use too."""

    def report_second(state: EngineState) -> None:
        if state.phase is Phase.LOADING and state.stage:
            report(replace(state, detail=f"second model {state.detail}".rstrip()))

    try:
        async with _followed(second, report_second):
            await second.start()
    except AppError as error:
        announce(f"The second model cannot be used: {error}")
    else:
        assert second.info is not None
        announce(f"Ready beside it: {name_of(second.info)} on {second.info.device}.")


@asynccontextmanager
async def _followed(engine: Engine, report: Report) -> AsyncIterator[None]:
    """While inside, `report` hears again and again how the engine is."""

    async def follow() -> None:
        while True:
            report(engine.state)
            await asyncio.sleep(LOOK_S)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
