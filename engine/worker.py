"""The engine's thread: who is in the batch, who waits, and what happens when a step fails.

The only owner of the runner. Others reach it by `submit`, `cancel` and `stop`, which only put a
value into its inbox. Knows no event loop (events go out through `post`) and no transformers.
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

SIGN_OF_LIFE_S = 1.0
GROWTH_STEPS = 32
"""Good steps after which one more row may run again, once a failed step has halved them."""
MAX_REVIVALS = 3
"""How often in a row the runner may fail to produce one token before it is given up."""


class Runner(Protocol):
    """Takes rows through the model, a step at a time. Used by one thread."""

    max_rows: int
    page: int
    cache_tokens: int

    def add(self, row: Row) -> None:
        """Let `row` take part from the next step on, with the tokens it already has."""
        ...

    def drop(self, row: Row) -> None:
        """Forget `row` and free what it held. It must have been added."""
        ...

    def step(self) -> list[Row]:
        """The rows that got a token or an error. If it raises, no row has changed."""
        ...

    def reset(self) -> None:
        """Start over with no rows."""
        ...


@dataclass(frozen=True, slots=True)
class Cancel:
    row_id: str


@dataclass(frozen=True, slots=True)
class Stop:
    pass


Post = Callable[[Sequence[tuple[Request, Event]]], None]


class Worker:
    """Serves requests with one runner until it is stopped or the runner is beyond repair.

    `heartbeat` is when it last began a step, `busy` whether it has something to do, `recovering`
    the failure that no good step has followed yet, `load` how busy it is; others may read these.

    A failed step costs at most the request that caused it. Nobody knows which one that is, so all
    that were running go back to the head of the line, the newest first, and only half as many run
    at once, until all goes well or a single one fails again on its own.
    """

    def __init__(
        self,
        runner: Runner,
        *,
        end_ids: Collection[int],
        post: Post,
        died: Callable[[EngineFailed], None],
    ) -> None:
        self.heartbeat = time.monotonic()
        self.busy = False
        self.recovering: EngineFailed | None = None
        self.load = EngineLoad()
        self._runner = runner
        self._end_ids = frozenset(end_ids)
        self._post = post
        self._died = died
        self._inbox: queue.SimpleQueue[Request | Cancel | Stop] = queue.SimpleQueue()
        self._waiting: deque[Request] = deque()
        self._running: dict[str, Request] = {}
        self._limit = runner.max_rows
        self._good_steps = 0
        self._generated = 0
        self._last_sign = 0.0
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
        """Produce one token: the proof that the model answers. Raises whatever is wrong."""
        row = Row(id="warm-up", prompt_ids=[0], decoding=Decoding())
        self._runner.add(row)
        while not self._runner.step():
            self.heartbeat = time.monotonic()
        self._runner.drop(row)
        if row.error:
            raise EngineFailed(row.error)

    def run(self) -> None:
        """Serve until stopped. If the runner is beyond repair: `died`, and everybody is refused."""
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
            # Outside of the except clause: the traceback holds on to the step's tensors.
            failures += 1
            self.recovering = failure
            if failures == 1:
                self._send_back(failure)
            elif failures > MAX_REVIVALS:
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
        """Take in what others asked for; waits while there is nothing to do. False: stop."""
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
        """Let in who is next, as long as everybody inside can grow to full length."""
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
        """In one value, so that who reads it meanwhile sees numbers that belong together."""
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
        self._send_signs_of_life({row.id for row in moved})
        self._grow()

    def _take_tokens(self, request: Request) -> Event:
        try:
            return request.take_tokens(self._end_ids)
        except BaseException:
            log.warning("the text of an answer failed", exc_info=True)
            return EngineFailed()

    def _finish(self, request: Request, event: Event) -> None:
        self._send(request, event)  # first: whatever is raised by the rest, it has been told
        del self._running[request.row.id]
        self._runner.drop(request.row)

    def _send_signs_of_life(self, moved: Collection[str]) -> None:
        """For those whose prompt is being read, and now and then for those who wait."""
        for row_id, request in self._running.items():
            if row_id not in moved:
                self._send(request, request.sign_of_life())
        if time.monotonic() - self._last_sign >= SIGN_OF_LIFE_S:
            self._last_sign = time.monotonic()
            for request in self._waiting:
                self._send(request, request.sign_of_life())

    def _grow(self) -> None:
        self._good_steps += 1
        if self._good_steps % GROWTH_STEPS == 0:
            self._limit = min(self._limit + 1, self._runner.max_rows)

    def _send_back(self, failure: EngineFailed) -> None:
        """After a failed step: one that fails again alone is the culprit; all others retry."""
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
        """The end of a runner beyond repair: nobody hangs, everybody is told, until `stop`."""
        log.error("the engine cannot be revived: %s", failure)
        self._died(failure)
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
    """What the culprit is told. Says nothing of the text that was being written."""
    if isinstance(error, EngineFailed):
        return error
    return OutOfMemory() if is_out_of_memory(error) else EngineFailed()
