"""The scheduler of the batch, in place of the library's: every row writes, short prompts go first.

Uses private names of transformers' continuous batching (pinned version), as `engine.batching` does.
"""

from collections.abc import Mapping
from typing import Any

from transformers.generation.continuous_batching.requests import (
    FutureRequestState,
    RequestState,
    RequestStatus,
)
from transformers.generation.continuous_batching.scheduler import SCHEDULER_MAPPING, Scheduler

from engine.schedule import reading_order

SHORT_FIRST = "short_first"
FREE_PAGE_MARGIN = 0.15
"""The library's default: with less of the cache free, it drops all pages kept for reuse, and a step
reads one prompt at most."""


class ShortFirstScheduler(Scheduler):
    """Gives each row that writes its token, and the rest of a step's budget to prompts.

    `rows` are all rows of the batch by id, in the order in which they came; `page` is the number of
    tokens of a page of the cache. Both are set by the batch.
    """

    def __init__(
        self, cache: Any, safety_margin: float | None, max_requests_per_batch: int
    ) -> None:
        margin = FREE_PAGE_MARGIN if safety_margin is None else safety_margin
        super().__init__(cache, margin, max_requests_per_batch)
        self.rows: Mapping[str, object] = {}
        self.page = 1

    def schedule_batch(
        self, token_budget: int, cache_budget: int
    ) -> tuple[list[FutureRequestState] | None, bool, int, int]:
        """The requests of the next step, None if the cache is too full for any of them; whether the
        library's path for decoding alone can be taken; tokens of the step; tokens of the cache."""
        started: set[str] = set()
        active = self.active_requests.values()
        writing = [state for state in active if state.status == RequestStatus.DECODING]
        prompts = self._unread_prompts(started)
        unread = [len(state.remaining_prefill_tokens) for state in prompts]
        order = reading_order(unread, token_budget - len(writing))
        requests, is_full, decode_only, tokens, cache_tokens = self._process_candidates(
            [*writing, *(prompts[place] for place in order.first)],
            token_budget - order.reserved,
            cache_budget,
            started,
        )
        starved = self.starved_requests
        if order.reserved and (not requests or self._has_free_pages()):
            oldest, is_fuller, oldest_decodes, read, cache_read = self._process_candidates(
                prompts[:1], token_budget - tokens, cache_budget - cache_tokens, started
            )
            requests += oldest
            is_full, decode_only = is_full or is_fuller, decode_only and oldest_decodes
            tokens, cache_tokens = tokens + read, cache_tokens + cache_read
            starved += self.starved_requests
        # The library takes victims from the end: prompts before answers, the youngest first.
        ages = {id(state): age for age, state in enumerate((*writing, *prompts))}
        self.starved_requests = sorted(starved, key=lambda one: ages[id(one[0])])
        self._cleanup_waiting_queue(started)
        if not requests and is_full:
            return None, decode_only, 0, 0
        return requests, decode_only, tokens, cache_tokens

    def _unread_prompts(self, started: set[str]) -> list[RequestState]:
        """The prompts to read, the oldest first, without what the cache already has of them.

        A prompt takes its pages of the cache only once. So one that begins like an older one waits
        for it, unless it gets its turn before: there will be more to take.
        """
        active = self.active_requests.values()
        states = [state for state in active if state.status == RequestStatus.PREFILLING]
        if not self.block_new_requests:
            states += self._get_waiting_candidates()
        ages = {row_id: age for age, row_id in enumerate(self.rows)}
        states.sort(key=lambda state: ages[state.request_id])
        beginnings: set[tuple[int, ...]] = set()
        for state in states:
            beginning = tuple(state.initial_tokens[: self.page])
            if beginning not in beginnings:
                self._infer_request_tokens(state, started)
            beginnings.add(beginning)
        return states

    def _has_free_pages(self) -> bool:
        free: float = self.cache.compute_free_capacity()
        return free >= self.safety_margin


SCHEDULER_MAPPING[SHORT_FIRST] = ShortFirstScheduler
