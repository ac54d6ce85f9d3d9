"""The engine's thread: admits requests to the batch, runs steps, recovers from failed steps.

Sole owner of the runner. Other threads use `submit`, `cancel` and `stop`, which only put a message
into its inbox. Knows no event loop (events leave through `post`) and no transformers.
"""

import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from chat.errors import AppError
from chat.serving.errors import EngineFailed, OutOfMemory
from chat.tools import EngineLoad
from engine.memory import is_out_of_memory
from engine.request import Event, Request
from engine.row import Decoding, Row

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 1.0
GROWTH_STEPS = 32
"""Successful steps after which the row limit, halved by a failed step, grows by one."""
MAX_RESTARTS = 3
"""Consecutive failed restarts of the runner before the engine is declared dead."""


class Runner(Protocol):
    """Runs the model over rows, step by step. Used by one thread."""

    max_rows: int
    page: int
    cache_tokens: int

    def add(self, row: Row) -> None:
        """Add `row` to the batch from the next step on, with the tokens it already has."""
        ...

    def drop(self, row: Row) -> None:
        """Remove `row`, which must have been added, and free its memory."""
        ...

    def step(self) -> list[Row]:
        """The rows that got a token or an error. If it raises, no row has changed."""
        ...

    def reset(self) -> None:
        """Remove all rows."""
        ...


@dataclass(frozen=True, slots=True)
class Cancel:
    row_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    pass


Post = Callable[[Sequence[tuple[Request, Event]]], None]


class Worker:
    """Serves requests with one runner until it is stopped or the runner cannot be restarted.

    Other threads may read `heartbeat` (start of the last step), `busy` (whether there is work),
    `recovering` (a failure that no successful step has followed yet) and `load`.

    A failed step ends at most the request that caused it. The cause is unknown, so all running
    requests go back to the head of the queue, the newest first, and the row limit is halved, until
    steps succeed or a request that runs alone fails again.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        end_ids: Collection[int],
        post: Post,
        on_dead: Callable[[EngineFailed], None],
    ) -> None:
        self.heartbeat = time.monotonic()
        self.busy = False
        self.recovering: EngineFailed | None = None
        self.load = EngineLoad()
        self._runner = runner
        self._end_ids = frozenset(end_ids)
        self._post = post
        self._on_dead = on_dead
        self._inbox: queue.SimpleQueue[Request | Cancel | Stop] = queue.SimpleQueue()
        self._waiting: deque[Request] = deque()
        self._running: dict[str, Request] = {}
        self._limit = runner.max_rows
        self._good_steps = 0
        self._generated = 0
        self._last_keep_alive = 0.0
        self._outbox: list[tuple[Request, Event]] = []

    def submit(self, request: Request) -> None:
        self._inbox.put(request)

    def cancel(self, request: Request) -> None:
        """End `request` before the next step, silently. One that has ended is ignored."""
        self._inbox.put(Cancel(request.row.id))

    def stop(self) -> None:
        """Fail every request and end `run`."""
        self._inbox.put(Stop())

    def warm_up(self) -> None:
        """Produce one token, which proves that the model works. Raises the runner's errors."""
        row = Row(id="warm-up", prompt_ids=[0], decoding=Decoding())
        self._runner.add(row)
        while not self._runner.step():
            self.heartbeat = time.monotonic()
        self._runner.drop(row)
        if row.error:
            raise EngineFailed(row.error)

    def run(self) -> None:
        """Serve until stopped. If restarts fail, call `died` and refuse every request."""
        failures = 0
        while True:
            try:
                if failures:
                    self._runner.reset()
                    self.warm_up()
                    failures, self.recovering = 0, None
                self._serve()
                return
            # BaseException: a panic in Rust (tokenizers, llguidance) is no Exception, and a step
            # that fails must not end the thread, whatever it raises.
            except BaseException as error:
                failure = _failure(error)
                log.warning("engine step failed", exc_info=True)
            # Outside of the except clause: the traceback keeps the step's tensors in memory.
            failures += 1
            self.recovering = failure
            if failures == 1:
                self._send_back(failure)
            elif failures > MAX_RESTARTS:
                self._refuse_all(failure)
                return

    def _serve(self) -> None:
        while self._read_inbox():
            self._admit()
            self._publish_load()
            self.heartbeat = time.monotonic()
            self._deliver(self._runner.step())
            self._flush()

    def _read_inbox(self) -> bool:
        """Process the inbox; block while there is no work. Returns False on stop."""
        while True:
            self.busy = bool(self._running or self._waiting)
            if not self.busy:
                self._publish_load()
            try:
                item = self._inbox.get(block=not self.busy)
            except queue.Empty:
                return True
            match item:
                case Request():
                    self.heartbeat = time.monotonic()
                    self._waiting.append(item)
                case Cancel():
                    self._remove(item.row_id)
                case Stop():
                    self._fail_all(EngineFailed("The engine was stopped."))
                    return False

    def _remove(self, row_id: str) -> None:
        request = self._running.pop(row_id, None)
        if request is not None:
            self._runner.drop(request.row)
        self._waiting = deque(waiting for waiting in self._waiting if waiting.row.id != row_id)

    def _admit(self) -> None:
        """Admit waiting requests while all admitted ones fit the cache at full length."""
        while self._waiting and len(self._running) < self._limit:
            inside = itertools.chain(self._running.values(), [self._waiting[0]])
            if sum(self._pages(request.tokens) for request in inside) * self._runner.page > (
                self._runner.cache_tokens
            ):
                return
            request = self._waiting.popleft()
            request.admit()
            self._running[request.row.id] = request
            self._runner.add(request.row)

    def _pages(self, tokens: int) -> int:
        return -(-tokens // self._runner.page)

    def _publish_load(self) -> None:
        """Publish the load as one immutable value, so that other threads read it consistently."""
        held = sum(self._pages(request.row.length) for request in self._running.values())
        self.load = EngineLoad(
            running=len(self._running),
            waiting=len(self._waiting),
            cache_used=held * self._runner.page / self._runner.cache_tokens,
            generated_tokens=self._generated,
        )

    def _deliver(self, moved: Sequence[Row]) -> None:
        for row in moved:
            request = self._running[row.id]
            if row.error is not None:
                self._finish(request, EngineFailed(row.error))
                continue
            self._generated += 1
            event = self._take_tokens(request)
            if isinstance(event, AppError) or event.finish:
                self._finish(request, event)
            else:
                self._send(request, event)
        self._send_keep_alives({row.id for row in moved})
        self._grow()

    def _take_tokens(self, request: Request) -> Event:
        try:
            return request.take_tokens(self._end_ids)
        except BaseException:  # a panic of native code is none of Exception; others go on writing
            log.warning("the text of an answer failed", exc_info=True)
            return EngineFailed()

    def _finish(self, request: Request, event: Event) -> None:
        self._send(request, event)  # first: the event must leave even if `drop` raises
        del self._running[request.row.id]
        self._runner.drop(request.row)

    def _send_keep_alives(self, moved: Collection[str]) -> None:
        """Keep-alives: to rows in prefill after each step, to the queue once a second."""
        for row_id, request in self._running.items():
            if row_id not in moved:
                self._send(request, request.keep_alive())
        if time.monotonic() - self._last_keep_alive >= KEEP_ALIVE_S:
            self._last_keep_alive = time.monotonic()
            for request in self._waiting:
                self._send(request, request.keep_alive())

    def _grow(self) -> None:
        self._good_steps += 1
        if self._good_steps % GROWTH_STEPS == 0:
            self._limit = min(self._limit + 1, self._runner.max_rows)

    def _send_back(self, failure: EngineFailed) -> None:
        """Requeue all rows after a failed step; a suspect that failed alone gets the error."""
        suspects = list(reversed(self._running.values()))
        self._running.clear()
        self._good_steps = 0
        if len(suspects) == 1 and suspects[0].suspect:
            self._limit = self._runner.max_rows
            self._send(suspects[0], failure)
        else:
            self._limit = max(1, len(suspects) // 2)
            for request in suspects:
                request.suspect = True
            self._waiting.extendleft(reversed(suspects))
        self._flush()

    def _refuse_all(self, failure: EngineFailed) -> None:
        """Fail all requests, and every later one, until `stop`."""
        log.error("the engine cannot be revived: %s", failure)
        self._on_dead(failure)
        self._fail_all(failure)
        while not isinstance(item := self._inbox.get(), Stop):
            if isinstance(item, Request):
                self._post([(item, failure)])

    def _fail_all(self, error: AppError) -> None:
        for request in (*self._running.values(), *self._waiting):
            self._send(request, error)
        self._running.clear()
        self._waiting.clear()
        self.busy = False
        self._publish_load()
        self._flush()

    def _send(self, request: Request, event: Event) -> None:
        self._outbox.append((request, event))

    def _flush(self) -> None:
        events, self._outbox = self._outbox, []
        if events:
            self._post(events)


def _failure(error: BaseException) -> EngineFailed:
    """The error for the request that caused `error`; contains no text of the answer."""
    if isinstance(error, EngineFailed):
        return error
    return OutOfMemory() if is_out_of_memory(error) else EngineFailed()
