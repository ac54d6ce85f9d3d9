"""LocalEngine: connects asyncio streams with the engine's thread.

Cheap to import: torch is imported in the thread, when the page is already served. Owns the life
cycle of the engine and of each request's stream; `engine.startup` and `engine.worker` own what runs
in the thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, TypeVarTuple

from chat.errors import AppError, BadRequest, StartupError
from chat.models import BarePrompt, ChatMessage, Prompt, Sampling
from chat.serving.errors import EngineFailed, EngineNotReady, EngineStalled, PromptTooLong
from chat.serving.models import (
    Delta,
    EngineInfo,
    EngineState,
    LoadStage,
    Phase,
    PreparedPrompt,
)
from chat.tools import NO_EXTRAS, EngineLoad, Extras, Tool
from engine.options import EngineOptions
from engine.panics import without_panic
from engine.row import Row, decoding_of

if TYPE_CHECKING:
    from engine.grammar.compiler import MaskMaker
    from engine.prompt import ChatPrompt
    from engine.request import Event, Request
    from engine.startup import OpenedModel
    from engine.worker import Worker

__all__ = ["EngineOptions", "LocalEngine", "Report"]

log = logging.getLogger(__name__)

T = TypeVar("T")
Ts = TypeVarTuple("Ts")
Report = Callable[[EngineState], None]
Opener = Callable[[Path, EngineOptions, Report], "OpenedModel"]
STOP_TIMEOUT_S = 10.0
"""How long `stop` waits for a step to end. The thread never keeps the process alive."""


@dataclass(frozen=True, slots=True)
class _Serving:
    """The parts of a loaded engine."""

    worker: Worker
    end_ids: frozenset[int]
    prompt: ChatPrompt
    info: EngineInfo
    masks: MaskMaker


class LocalEngine:
    """An Engine (see `chat.serving.ports`) with the model in this process.

    `fetch` returns the model's folder, downloads it if necessary, and reports its progress.
    `opener` loads the model in the engine's thread; the default is `engine.startup.open_model`.
    """

    def __init__(
        self,
        options: EngineOptions,
        fetch: Callable[[Report], Awaitable[Path]],
        opener: Opener | None = None,
    ) -> None:
        self._options = options
        self._fetch = fetch
        self._opener = opener
        self._state = EngineState(Phase.LOADING)
        self._serving: _Serving | None = None
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._tokenizing = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")

    @property
    def info(self) -> EngineInfo | None:
        return self._serving.info if self._serving else None

    @property
    def state(self) -> EngineState:
        if self._state.phase is not Phase.READY or self._serving is None:
            return self._state
        if self._is_stalled():
            detail = f"no step has ended for {self._silence():.0f} s"
            return EngineState(Phase.DEGRADED, detail=detail, error_code=EngineStalled.code)
        if failure := self._serving.worker.recovering:
            detail = "recovering from a failed step"
            return EngineState(Phase.DEGRADED, detail=detail, error_code=failure.code)
        return self._state

    @property
    def load(self) -> EngineLoad:
        return self._serving.worker.load if self._serving else EngineLoad()

    async def start(self) -> None:
        """Fetch and load the model. Returns when it has produced a token.

        Raises StartupError or any other error of loading; the state is then DEAD.
        """
        try:
            folder = await self._fetch(self._set_state)
            self._set_state(EngineState(Phase.LOADING, LoadStage.LOAD, progress=0.0))
            self._serving = await self._start_thread(folder)
        except Exception as error:
            code = error.code if isinstance(error, AppError) else StartupError.code
            detail = str(error) or type(error).__name__
            self._set_state(EngineState(Phase.DEAD, detail=detail, error_code=code))
            raise
        self._set_state(EngineState(Phase.READY))

    async def stop(self) -> None:
        self._stopped.set()
        if self._serving and self._thread:
            self._serving.worker.stop()
            await self._serving.masks.close()
            await asyncio.to_thread(self._thread.join, STOP_TIMEOUT_S)
        self._serving = self._thread = None
        self._tokenizing.shutdown(wait=False, cancel_futures=True)
        self._set_state(EngineState(Phase.DEAD, detail="stopped", error_code=EngineNotReady.code))

    async def prepare(
        self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()
    ) -> PreparedPrompt:
        return await self._tokenize(self._require_serving().prompt.prepare, prompt, tools)

    async def render_prompt(self, messages: Sequence[ChatMessage]) -> str:
        return await self._tokenize(self._require_serving().prompt.render, messages)

    async def generate(
        self,
        prompt: PreparedPrompt,
        sampling: Sampling,
        *,
        salt: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> AsyncGenerator[Delta, None]:
        serving = self._require_serving()
        if self._is_stalled():
            raise EngineStalled(seconds=self._options.stall_timeout_s)
        events: asyncio.Queue[Event] = asyncio.Queue()
        request = await self._make_request(serving, prompt, sampling, extras, events)
        request.row.salt = uuid.uuid4().hex if extras.prompt_scores else salt
        serving.worker.submit(request)
        try:
            while True:
                event = await events.get()
                if isinstance(event, AppError):
                    raise event
                yield event
                if event.finish:
                    return
        finally:
            serving.worker.cancel(request)

    async def _make_request(
        self,
        serving: _Serving,
        prompt: PreparedPrompt,
        sampling: Sampling,
        extras: Extras,
        events: asyncio.Queue[Event],
    ) -> Request:
        from engine.request import Request  # noqa: PLC0415 - the thread has imported it already
        from engine.scores import ScoreLine  # noqa: PLC0415
        from engine.text import TextStream  # noqa: PLC0415
        from engine.tool_calls import ToolCallParser  # noqa: PLC0415

        received_at = time.monotonic()
        tokenizer = serving.prompt.backend
        if any(tokenizer.id_to_token(token_id) is None for token_id, _ in extras.logit_bias):
            raise BadRequest("logit_bias names an id that no token has.", name="logit_bias")
        decoding = decoding_of(sampling.over(serving.info.defaults), extras)
        max_new_tokens = _max_new_tokens(sampling, serving.info, prompt.tokens)
        names = {tool.name for tool in extras.tools}
        rules, shaped = extras.rules, extras.shape is not None
        parser = ToolCallParser(names, parallel=rules.parallel, alone=shaped) if names else None
        return Request(
            row=Row(
                id=uuid.uuid4().hex,
                prompt_ids=prompt.token_ids,
                decoding=decoding,
                end_ids=serving.end_ids,
                top_logprobs=extras.top_logprobs,
                scores_prompt=extras.prompt_scores,
                mask=await serving.masks.mask(extras),
            ),
            text=TextStream(tokenizer, _stops(sampling, extras), parser),
            max_new_tokens=1 if extras.prompt_only else max_new_tokens,
            prompt_only=extras.prompt_only,
            send=events.put_nowait,
            scores=None if extras.top_logprobs is None else ScoreLine(tokenizer),
            received_at=received_at,
        )

    async def _tokenize(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        """Run in a separate thread: a long conversation takes tens of milliseconds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._tokenizing, without_panic, work, *arguments)

    def _require_serving(self) -> _Serving:
        if self._serving is None or self._state.phase is not Phase.READY:
            raise EngineNotReady
        return self._serving

    def _silence(self) -> float:
        """Seconds since the thread last began a step; 0 while it is idle."""
        worker = self._serving.worker if self._serving else None
        return time.monotonic() - worker.heartbeat if worker and worker.busy else 0.0

    def _is_stalled(self) -> bool:
        return self._silence() > self._options.stall_timeout_s

    def _set_state(self, state: EngineState) -> None:
        self._state = state

    async def _start_thread(self, folder: Path) -> _Serving:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[_Serving] = loop.create_future()
        self._thread = threading.Thread(
            target=self._run_thread, args=(folder, loop, ready), name="engine", daemon=True
        )
        self._thread.start()
        return await ready

    # The methods below run in the engine's thread.

    def _run_thread(
        self, folder: Path, loop: asyncio.AbstractEventLoop, ready: asyncio.Future[_Serving]
    ) -> None:
        def call(function: Callable[..., None], *arguments: object) -> None:
            with contextlib.suppress(RuntimeError):  # the event loop is closed
                loop.call_soon_threadsafe(function, *arguments)

        try:
            serving = without_panic(self._open, folder, call)
        except Exception as error:  # noqa: BLE001 - top of a thread: passed on to `start`
            call(_resolve, ready, None, error)
            return
        call(_resolve, ready, serving, None)
        try:
            if not self._stopped.is_set():
                serving.worker.run()
        except Exception:  # `run` handles failed steps: this is its own fault, and must be seen
            log.exception("the engine's thread ended")
            call(self._set_state, _dead(EngineFailed("The engine's thread ended.")))

    def _open(self, folder: Path, call: Callable[..., None]) -> _Serving:
        if self._options.device == "cpu":
            # Before torch is imported: with a visible GPU the batching library would measure the
            # GPU's memory and pin host memory for it.
            os.environ["CUDA_VISIBLE_DEVICES"] = ""
        from engine.startup import open_model  # noqa: PLC0415 - imports torch
        from engine.worker import Worker  # noqa: PLC0415

        open_it = self._opener or open_model
        opened = open_it(folder, self._options, lambda state: call(self._set_state, state))
        worker = Worker(
            opened.runner,
            end_ids=opened.end_ids,
            post=lambda events: call(_send_events, events),
            on_dead=lambda error: call(self._set_state, _dead(error)),
        )
        call(self._set_state, EngineState(Phase.LOADING, LoadStage.WARM_UP))
        worker.warm_up()
        return _Serving(worker, opened.end_ids, opened.prompt, opened.info, opened.masks)


def _dead(error: EngineFailed) -> EngineState:
    return EngineState(Phase.DEAD, detail=str(error), error_code=error.code)


def _max_new_tokens(sampling: Sampling, info: EngineInfo, prompt_tokens: int) -> int:
    """The token limit of an answer to this prompt. Raises PromptTooLong, BadRequest."""
    room = info.context_length - prompt_tokens
    if room < 1:
        raise PromptTooLong(tokens=prompt_tokens, limit=info.context_length)
    longest = info.defaults.max_new_tokens or room
    requested = longest if sampling.max_new_tokens is None else sampling.max_new_tokens
    if requested < max(1, sampling.min_new_tokens or 0):
        raise BadRequest("max_new_tokens must be at least 1, and no less than min_new_tokens.")
    return min(requested, longest, room)


def _stops(sampling: Sampling, extras: Extras) -> Sequence[str]:
    """The stop strings; none where all of the answer is JSON or calls, which they would cut."""
    return () if extras.shape is not None or extras.rules.required else sampling.stop


def _resolve(
    future: asyncio.Future[_Serving], serving: _Serving | None, error: Exception | None
) -> None:
    """Resolve `future`, unless it was cancelled."""
    if future.done():
        return
    if serving:
        future.set_result(serving)
    else:
        future.set_exception(error or RuntimeError("nothing was opened"))


def _send_events(events: Sequence[tuple[Request, Event]]) -> None:
    for request, event in events:
        request.send(event)
