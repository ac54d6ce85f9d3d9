"""How an answer is asked of the engine, for the page and for programs alike.

Owns leave and place, the time-outs, the salt, and what is told of an answer when it has ended.
Knows neither conversations nor wire formats: whoever asks takes each delta in its own way.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass, replace

from chat.accounts.quotas import QuotaReservation, Quotas
from chat.errors import AppError
from chat.models import ChatMessage, Prompt, Role, Sampling, Timing, Usage
from chat.serving.admission import Admission, QueueTicket
from chat.serving.draft import Draft
from chat.serving.engines import Engines, serving
from chat.serving.errors import EngineStalled, QueueTimeout, RequestTimeout, ShuttingDown
from chat.serving.models import Delta, EngineInfo
from chat.serving.observer import NullObserver, Observer, RequestOutcome, Source
from chat.serving.ports import Engine
from chat.serving.prefixes import SeenPrefixes
from chat.tools import NO_EXTRAS, Extras

log = logging.getLogger("qwen_chat.requests")

SEEDS = 2**31

TICK_S = 1.0
"""Who waits is told of it this often: a page notices only then that its reader left."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long an answer may take, in seconds: waiting, without a sign of life, being written."""

    queue_s: float
    stall_s: float
    request_s: float


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """What the engine is to write, and for whom.

    A prompt that ends with the assistant's turn is gone on with; the draft begins with that text.
    Without an `engine` the first one writes it.
    """

    user_id: str
    prompt: Prompt
    sampling: Sampling
    extras: Extras = NO_EXTRAS
    engine: Engine | None = None


@dataclass(frozen=True, slots=True)
class GenerationSummary:
    """What the log and the observer are told of an answer that has ended; never its text.

    `reason` is a finish, a status or an error's code.
    """

    id: str
    door: Source
    user_id: str
    model: str | None
    reason: str
    failed: bool = False
    usage: Usage | None = None
    timing: Timing | None = None
    conversation: str | None = None
    key: str | None = None
    from_cache: bool = False


class Generator:
    """What everybody who writes answers shares.

    Without `quotas` everybody may use everything. With `share_prefixes` the engine may reuse for
    one user what it has read for another.
    """

    def __init__(
        self,
        *,
        engines: Engines,
        admission: Admission,
        limits: Timeouts,
        quotas: Quotas | None = None,
        observer: Observer | None = None,
        share_prefixes: bool = False,
    ) -> None:
        self.engines = engines
        self.observer = observer or NullObserver()
        self._admission = admission
        self._limits = limits
        self._quotas = quotas
        self._share_prefixes = share_prefixes
        self._own = SeenPrefixes()
        self._closing = False

    @property
    def engine(self) -> Engine:
        """The one that answers where none is named."""
        return self.engines.first

    def close(self) -> None:
        """Let nobody in any more."""
        self._closing = True

    def ready(self) -> EngineInfo:
        """What the first engine serves. Raises EngineNotReady."""
        return serving(self.engine)

    async def permit(self, user_id: str, undo: ExitStack, *, address: str = "") -> QuotaReservation:
        """Leave to ask once more; `undo` gives it back. Raises QuotaExceeded kinds, NotFound."""
        permit = (
            await self._quotas.check(user_id, address=address)
            if self._quotas
            else QuotaReservation()
        )
        undo.callback(permit.give_back)
        return permit

    def enter(self, user_id: str, permit: QuotaReservation, undo: ExitStack) -> QueueTicket:
        """A place in the queue, to be taken before anything is written; `undo` gives it back.

        Raises TooManyWaiting, Busy, ShuttingDown.
        """
        if self._closing:
            raise ShuttingDown
        if info := self.engine.info:
            self._admission.limit(info.max_concurrent)
        allowance = permit.allowance
        ticket = self._admission.enter(
            user_id, running=allowance.running, waiting=allowance.waiting
        )
        undo.callback(ticket.give_back)
        return ticket

    async def wait_for_place(
        self, ticket: QueueTicket, draft: Draft, tell: Callable[[], None] = lambda: None
    ) -> None:
        """Return when the answer may begin; until then `tell` at once and every second.

        Raises QueueTimeout.
        """
        entered_at = time.monotonic()
        deadline = entered_at + self._limits.queue_s
        while not ticket.admitted.is_set():
            if time.monotonic() >= deadline:
                raise QueueTimeout(seconds=self._limits.queue_s)
            tell()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(TICK_S, max(0.0, deadline - time.monotonic()))):
                    await ticket.admitted.wait()
        draft.started_at = time.monotonic()
        draft.queue_s = draft.started_at - entered_at

    async def write(
        self, wish: GenerationRequest, draft: Draft, take: Callable[[Delta], Awaitable[None]]
    ) -> None:
        """Put each delta into the draft, then let `take` see it.

        Raises RequestTimeout, EngineStalled and what the engine raises.
        """
        engine = wish.engine or self.engine
        draft.own_prompt_tokens = await self._own_prompt_tokens(wish, engine)
        tools = wish.extras.tools
        turns: Sequence[ChatMessage] = () if isinstance(wish.prompt, str) else wish.prompt
        self._own.note(wish.user_id, turns, tools)
        salt = "" if self._share_prefixes else wish.user_id
        asked = engine.generate(wish.prompt, wish.sampling, salt=salt, extras=wish.extras)
        try:
            async with asyncio.timeout(self._limits.request_s), aclosing(asked) as deltas:
                async for delta in self._watched(deltas):
                    draft.take(delta)
                    await take(delta)
        except TimeoutError:
            raise RequestTimeout(seconds=self._limits.request_s) from None
        finally:
            self._own.note(wish.user_id, _with_answer(turns, draft), tools)

    async def bill(self, permit: QuotaReservation, draft: Draft, usage: Usage) -> int:
        """Spend what an answer has cost, if it ever began; how many tokens."""
        if draft.started_at is None:
            return 0
        tokens = usage.prompt_tokens + usage.completion_tokens
        await permit.spend(tokens)
        return tokens

    def refused(self, door: Source, error: AppError) -> None:
        """A request that did not get a place."""
        self.observer.refused(door, error.code)

    def ended(self, end: GenerationSummary) -> None:
        """One line in the log, and word to the observer."""
        timing, usage = end.timing or Timing(), end.usage
        told = {
            "id": end.id,
            "door": end.door.value,
            "user": end.user_id,
            "conversation": end.conversation,
            "key": end.key,
            "model": end.model,
            "queue_s": round(timing.queue_s, 3),
            "prefill_s": round(timing.prefill_s, 3),
            "ttft_s": round(timing.ttft_s, 3),
            "total_s": round(timing.total_s, 3),
            "prompt_tokens": usage.prompt_tokens if usage else None,
            "reused_tokens": timing.reused_prompt_tokens,
            "completion_tokens": usage.completion_tokens if usage else None,
            "cache": "hit" if end.from_cache else None,
            "finish": end.reason,
        }
        optional = ("conversation", "key", "cache")
        log.info(
            "request",
            extra={k: v for k, v in told.items() if v is not None or k not in optional},
        )
        self.observer.ended(
            RequestOutcome(end.door, end.reason, end.failed, usage, end.timing, end.from_cache)
        )

    async def _own_prompt_tokens(self, wish: GenerationRequest, engine: Engine) -> int | None:
        """How many tokens of the prompt this person sent before; None if all of it."""
        turns, tools = wish.prompt, wish.extras.tools
        if isinstance(turns, str):  # of bare text only the salt tells whose the beginning is
            return 0 if self._share_prefixes else None
        known = self._own.known(wish.user_id, turns, tools)
        if known == len(turns):
            return None
        own = turns[:known]
        while own and own[-1].calls:  # calls alone are no prompt: their results are what is new
            own = own[:-1]
        if all(turn.role is Role.ASSISTANT for turn in own):  # no prompt of its own
            return 0
        return len(await engine.tokenize(own, tools))

    async def _watched(self, deltas: AsyncIterator[Delta]) -> AsyncIterator[Delta]:
        """The same deltas. Raises EngineStalled when none comes for too long."""
        while True:
            try:
                async with asyncio.timeout(self._limits.stall_s):
                    delta = await anext(deltas)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise EngineStalled(seconds=self._limits.stall_s) from None
            yield delta


def seeded(sampling: Sampling) -> Sampling:
    """With a seed drawn now if none is set, so that every answer can be made again."""
    if sampling.seed is not None:
        return sampling
    return replace(sampling, seed=secrets.randbelow(SEEDS))


def _with_answer(turns: Sequence[ChatMessage], draft: Draft) -> Sequence[ChatMessage]:
    """The turns that there are now; an answer that was continued is in the draft as a whole."""
    if not turns:
        return ()
    before = turns[:-1] if turns[-1].role is Role.ASSISTANT else turns
    return (*before, ChatMessage(Role.ASSISTANT, draft.text, draft.calls))
