"""Builds the engines from settings, and reports their loading on the terminal.

The second model is loaded before the first: so neither loads while the other answers, and the first
uses the memory that is left.
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
"""Largest share of the free memory for the second model."""

POLL_S = 1.0


class LoadProgress:
    """Prints the progress of loading: each new stage or detail, and each 10 % of a stage."""

    def __init__(self) -> None:
        self._last_step: tuple[object, ...] | None = None

    def report(self, state: EngineState) -> None:
        step = (state.stage, state.detail, int((state.progress or 0) * 10))
        if state.phase is Phase.LOADING and state.stage and step != self._last_step:
            percent = "" if state.progress is None else f" {state.progress:.0%}"
            announce(f"{state.stage.value}{percent} {state.detail}".rstrip())
            self._last_step = step


def announce(sentence: str) -> None:
    """Print one line to the terminal (stderr) and log it."""
    print(sentence, file=sys.stderr, flush=True)  # noqa: T201 - the terminal is meant
    log.info(sentence)


def check_model(settings: Settings) -> None:
    """Raise ModelUnavailable early for a model that is unknown or damaged."""
    from engine.weights.resolve import refuse_unusable  # noqa: PLC0415 - after wrong settings

    refuse_unusable(settings.model)


async def load(engine: Engine, load_progress: LoadProgress) -> None:
    """Load the model and print the progress. Raises as `Engine.start`."""
    async with _followed(engine, load_progress.report):
        await engine.start()
    if info := engine.info:
        licence = f" Licence: {info.licence}." if info.licence else ""
        announce(f"Ready: {name_of(info)} on {info.device}.{licence}")


async def load_engine(settings: Settings) -> Engine:
    """A loaded engine, for a command. Raises as `Engine.start`."""
    load_progress = LoadProgress()
    engine = _build(settings, load_progress)
    await load(engine, load_progress)
    return engine


def build_engines(settings: Settings, load_progress: LoadProgress) -> Engines:
    """The engine, which `load` loads, and the second one, loaded with it, if configured."""
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
    """A local engine; loads `second` first, and uses up to `share` of the memory then free."""
    from engine.local import EngineOptions, LocalEngine  # noqa: PLC0415 - after the quick refusals
    from engine.weights.background import ensure_model  # noqa: PLC0415

    async def fetch(report: Report) -> Path:
        def report_and_print(state: EngineState) -> None:
            report(state)
            load_progress.report(state)  # some stages are shorter than POLL_S

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
    """Load the second engine. A failure is printed only: the app works without it."""

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
    """Report the engine's state every POLL_S seconds while inside."""

    async def follow() -> None:
        while True:
            report(engine.state)
            await asyncio.sleep(POLL_S)

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following
