"""The readiness check: whether the engine really produces tokens and nothing else is in the way.

A check takes at most `FRESH_S` + `PROBE_S` seconds. It bypasses the queue, so it takes no user's
place, and needs one row of the batch at most, however many clients ask at once.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing

from chat.errors import AppError
from chat.models import Sampling
from chat.serving.errors import EngineStalled, ShuttingDown
from chat.serving.models import EngineState, Phase
from chat.serving.ports import Engine
from chat.tools import EngineLoad

FRESH_S = 1.0
"""Lifetime of a check's result; also the longest wait for tokens of other requests."""

PROBE_S = 8.0
"""Longest time of a probe: a request for one token."""

IDLE_S = 60.0
"""Lifetime of a proof while the engine is idle: an engine can only hang in a step."""

WATCHED_S = 60.0
"""After a look, so long somebody is taken to watch: load balancers ask every few seconds."""

PROBE = "1"
SHORTEST = Sampling(temperature=0, max_new_tokens=1)
OWN_SALT = "readiness"


Check = Callable[[], Awaitable[EngineState | None]]
"""A state that is not ready, if something beside the engine is wrong. May raise AppError."""


class Readiness:
    """Checks one engine, and with it `checks`. May be called at any time, by many at once."""

    def __init__(
        self,
        engine: Engine,
        *,
        checks: Sequence[Check] = (),
        fresh_s: float = FRESH_S,
        probe_s: float = PROBE_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._engine = engine
        self._checks = checks
        self._fresh_s = fresh_s
        self._probe_s = probe_s
        self._idle_s = idle_s
        self._looking: asyncio.Task[EngineState | None] | None = None
        self._looked_at = -1e9
        self._proved_at = -1e9
        self._asked_at = -1e9
        self._draining = False

    @property
    def is_watched(self) -> bool:
        """Whether somebody asked within the last `WATCHED_S`."""
        return time.monotonic() - self._asked_at < WATCHED_S

    def drain(self) -> None:
        """From now on not ready: the app is about to stop."""
        self._draining = True

    async def look(self) -> EngineState:
        """The engine's state: READY only if it has just produced a token and all checks passed."""
        self._asked_at = time.monotonic()
        if self._draining:
            return _degraded(ShuttingDown())
        if self._engine.state.phase is not Phase.READY:
            return self._engine.state
        fresh = time.monotonic() - self._looked_at < self._fresh_s
        if self._looking is None or (self._looking.done() and not fresh):
            self._looking = asyncio.create_task(self._check())
        # Shielded: a client that disconnects must not cancel the check that others wait for.
        trouble = await asyncio.shield(self._looking)
        state = self._engine.state
        if trouble is None or state.phase is not Phase.READY:
            return state
        return trouble

    async def _check(self) -> EngineState | None:
        try:
            for check in self._checks:
                if trouble := await check():
                    return trouble
            if not (self._idle_and_proved() or await self._others_get_tokens()):
                await self._probe()
        except AppError as error:
            return _degraded(error)
        finally:
            self._looked_at = time.monotonic()
        self._proved_at = time.monotonic()
        return None

    def _idle_and_proved(self) -> bool:
        return not _busy(self._engine.load) and time.monotonic() - self._proved_at < self._idle_s

    async def _others_get_tokens(self) -> bool:
        """Whether a running request gets a token: that is proof enough, and costs nothing."""
        before, since = self._engine.load, time.monotonic()
        while _busy(self._engine.load) and time.monotonic() - since < self._fresh_s:
            if self._engine.load.generated_tokens > before.generated_tokens:
                return True
            await asyncio.sleep(self._fresh_s / 20)
        return False

    async def _probe(self) -> None:
        """Generate one token. Raises EngineStalled and what the engine raises.

        Under load an empty delta is enough: it comes after a step that served other requests, and
        the probe may have to wait for a row of the batch.
        """
        try:
            async with asyncio.timeout(self._probe_s):
                prompt = await self._engine.prepare(PROBE)
                stream = self._engine.generate(prompt, SHORTEST, salt=OWN_SALT)
                async with aclosing(stream) as deltas:
                    async for delta in deltas:
                        busy = self._engine.load.running > 1 or self._engine.load.waiting > 0
                        if delta.completion_tokens or delta.finish or busy:
                            return
        except TimeoutError:
            raise EngineStalled(
                f"No token came for {self._probe_s:.0f} s.", seconds=self._probe_s
            ) from None


def _degraded(error: AppError) -> EngineState:
    return EngineState(Phase.DEGRADED, detail=str(error), error_code=error.code)


def _busy(load: EngineLoad) -> bool:
    return load.running > 0 or load.waiting > 0
