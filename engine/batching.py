"""Continuous batching: the rows of many requests go through the model together, step by step.

Uses private names of transformers' continuous batching (pinned version), as `engine.scheduler` and
`engine.attention` do and no other file. It drives the library's paged cache and forward pass from
the caller's thread instead of the library's own thread. So a failed step raises here instead of
ending a thread, and a cancelled row leaves the batch before the next step. Knows nothing of
requests' texts, budgets or queues.
"""

import gc
import hashlib
import operator
import secrets
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch
from torch import Tensor
from transformers import (
    ContinuousBatchingConfig,
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
)
from transformers.generation.continuous_batching.cb_logits_processors import (
    ContinuousBatchingLogitsProcessorList,
)
from transformers.generation.continuous_batching.requests import FutureRequestState, RequestState
from transformers.generation.continuous_batching.utils import stream_context
from transformers.utils.import_utils import is_flash_attn_2_available, is_flash_attn_3_available

from engine.attention import can_attend_by_row, use_attention_by_row
from engine.prompt_scores import keep_scores, prompt_scores, targets_after
from engine.row import Row, Score
from engine.sampling import SampledTokens, choose_tokens, commit_tokens
from engine.schedule import CHUNK_GRAIN, MIN_CHUNK, next_chunk, step_goal
from engine.scheduler import SHORT_FIRST


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of a batch: tokens per page, pages of the cache, rows, tokens of one step.

    `max_chunk` is raised where it would leave no room for prompts beside all rows' new tokens.
    """

    page: int
    pages: int
    max_rows: int
    max_chunk: int


def page_size(device: str) -> int:
    """Tokens per page: 256 for flash attention; else 32, because small pages reuse more tokens."""
    if device == "cuda" and (
        is_flash_attn_3_available(kernels_fallback_ok=True)
        or is_flash_attn_2_available(kernels_fallback_ok=True)
    ):
        return 256
    return 32


class ContinuousBatch:
    """A runner (see `engine.worker.Runner`) for models that live on one device."""

    def __init__(self, model: PreTrainedModel, layout: Layout) -> None:
        self.max_rows = layout.max_rows
        self.page = layout.page
        self.cache_tokens = layout.page * layout.pages
        self._model = model
        self._rows: dict[str, Row] = {}
        self._sampler = _FusedSampler(self._rows)
        self._prompt_scorer = _PromptScorer(model, self._sampler)
        self._max_chunk = max(layout.max_chunk, layout.max_rows + MIN_CHUNK)
        self._chunk = min(64, self._max_chunk)
        if can_attend_by_row(model):
            use_attention_by_row(model)
        # nn.Module.__getattr__ is typed as returning Tensor | Module; this is a method.
        init_manager: Any = model.init_continuous_batching
        manager = init_manager(
            GenerationConfig(do_sample=False, eos_token_id=-1),
            ContinuousBatchingConfig(
                page_size=layout.page,
                num_blocks=layout.pages,
                max_batch_tokens=self._max_chunk,
                max_requests_per_batch=layout.max_rows,
                max_memory_percent=1.0,
                # Flash attention if its package is installed; the CPU has attention by row.
                auto_switch_to_flash=model.device.type == "cuda",
                # The sampler allocates tensors in every step, which a CUDA graph cannot replay.
                use_cuda_graph=False,
                use_async_batching=False,
                scheduler_type=SHORT_FIRST,
            ),
        )
        manager.logit_processor = self._sampler
        manager.warmup()
        self._processor = manager.batch_processor
        self._processor.scheduler.rows, self._processor.scheduler.page = self._rows, layout.page
        _salt_prefixes(self._processor.cache, self._rows, layout.page)
        self._stream = self._processor.inputs_and_outputs.compute_stream
        if self._stream is not None:
            # Weights and cache were written in another CUDA stream; wait for it once.
            self._stream.wait_stream(torch.cuda.current_stream(model.device))

    def add(self, row: Row) -> None:
        """Add `row` to the batch from the next step on, with the tokens it already has."""
        self._rows[row.id] = row
        state = RequestState(
            request_id=row.id,
            initial_tokens=[*row.prompt_ids, *row.token_ids],
            max_new_tokens=None,
        )
        self._processor.scheduler.add_waiting_request(state)

    def drop(self, row: Row) -> None:
        """Remove `row` in any state and free its cache pages at once."""
        del self._rows[row.id]
        scheduler = self._processor.scheduler
        scheduler.set_request_cancellation(row.id)
        scheduler.clear_cancelled_requests()
        # Set when the cache was full; the library resets it only when a row ends by itself.
        scheduler.block_new_requests = False

    @torch.no_grad()
    def step(self) -> list[Row]:
        """One forward pass: a chunk of each unread prompt, and a token for every other row.

        Returns the rows that got a token or an error. If it raises, no row has changed.
        """
        begin = time.perf_counter()
        # Rows that write are served first, in order of arrival: with a smaller budget the last of
        # them get no token and no prompt is read.
        self._processor.max_batch_tokens = max(self._chunk, len(self._rows) + CHUNK_GRAIN)
        # The library writes its inputs outside of its compute stream without synchronising, so the
        # whole step runs inside that stream.
        with stream_context(self._stream):
            if not self._processor.prepare_next_batch():
                return []
            self._processor._generation_step(self._model)
            self._processor.update_batch()
            self._prompt_scorer.commit()
            moved = self._sampler.commit_tokens()
        seconds = time.perf_counter() - begin
        unread = sum(not row.token_ids for row in self._rows.values())
        goal_s = step_goal(unread, len(self._rows) - unread)
        tokens = self._sampler.tokens
        self._chunk = next_chunk(self._chunk, tokens, seconds, self._max_chunk, goal_s)
        return moved

    def reset(self) -> None:
        """Remove all rows after a failed step."""
        self._rows.clear()
        with stream_context(self._stream):
            self._processor.reset()
        gc.collect()
        if self._model.device.type == "cuda":
            torch.cuda.empty_cache()


def _salt_prefixes(cache: Any, rows: Mapping[str, Row], page: int) -> None:
    """Make rows share pages of `cache` only with rows of the same salt.

    The library identifies a page by a hash of its tokens and of the pages before it, so masking the
    tokens of the first page is enough. The secret in the mask prevents prompts that are crafted to
    collide with another salt's hash.
    """
    secret = secrets.token_bytes(32)

    def salted(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(row_id: str, token_ids: Sequence[int], *others: int) -> Any:
            digest = hashlib.shake_256(secret + rows[row_id].salt.encode()).digest(4 * page)
            mask = (word >> 1 for word in array("I", digest))  # the library hashes signed words
            return function(
                row_id, [*map(operator.xor, token_ids, mask), *token_ids[page:]], *others
            )

        return call

    cache.search_prefix_match = salted(cache.search_prefix_match)
    for allocator in cache.cache_allocators.values():
        allocator.mark_complete_blocks = salted(allocator.mark_complete_blocks)


class _FusedSampler(ContinuousBatchingLogitsProcessorList):
    """Replaces the library's list of logits processors; samples all rows in one pass.

    The library takes the argmax afterwards, so the chosen token's score is set to infinity.
    """

    def __init__(self, rows: Mapping[str, Row]) -> None:
        super().__init__(LogitsProcessorList())
        self.do_processing = True
        self.tokens = 0
        self.scored: list[tuple[Row, int, int, int]] = []
        """Rows with prompt scores: begin in the step, begin in the row, number of tokens."""
        self._all = rows
        self._rows: list[Row] = []
        self._chosen: SampledTokens | None = None

    def prepare_tensor_args(
        self, requests_in_batch: Sequence[FutureRequestState], arg_storage: Tensor
    ) -> Tensor:
        """Called by the library before the forward pass, with the requests of this step."""
        self._chosen = None
        self._rows = []
        self.tokens, self.scored = 0, []
        for future in requests_in_batch:
            row, length = self._all[future.state.request_id], future.query_length
            begin = future.state.position_offset - length
            if row.reused_prompt_tokens is None:
                row.reused_prompt_tokens = begin
            if row.scores_prompt and begin < len(row.prompt_ids) - 1:
                self.scored.append((row, self.tokens, begin, length))
            self.tokens += length
            if future.has_new_token:
                self._rows.append(row)
        return arg_storage

    def __call__(self, input_ids: Tensor, scores: Tensor, logits_processor_args: Tensor) -> Tensor:
        """Called by the library after the forward pass. `scores` is padded beyond our rows."""
        own = scores[: len(self._rows)]
        self._chosen = choose_tokens(own, self._rows)
        own.scatter_(-1, self._chosen.token_ids.unsqueeze(-1), torch.inf)
        return scores

    def commit_tokens(self) -> list[Row]:
        """Append the chosen tokens to their rows. Returns the rows that changed."""
        if self._chosen is None:
            return []
        moved, self._rows = self._rows, []
        chosen, self._chosen = self._chosen, None
        commit_tokens(chosen, moved)
        return moved


class _PromptScorer:
    """Reads the hidden states of a step for the rows whose prompts are scored.

    The library asks the model for the logits of the last token of each row only.
    """

    def __init__(self, model: PreTrainedModel, sampler: _FusedSampler) -> None:
        self._head = model.get_output_embeddings()
        self._sampler = sampler
        self._pending: list[tuple[Row, int, list[Score]]] = []
        model.base_model.register_forward_hook(self._read)

    def commit(self) -> None:
        """Pass the scores of the step to their rows."""
        for row, begin, scores in self._pending:
            keep_scores(row, begin, scores)
        self._pending = []

    def _read(self, module: Any, inputs: Any, output: Any) -> None:
        self._pending = []
        scored, self._sampler.scored = self._sampler.scored, []
        if not scored:
            return
        hidden = output[0][0]
        targets = [targets_after(row, begin, length) for row, _, begin, length in scored]
        states = torch.cat(
            [
                hidden[start : start + len(of_row)]
                for (_, start, _, _), of_row in zip(scored, targets, strict=True)
            ]
        )
        most = max(row.top_logprobs or 0 for row, _, _, _ in scored)
        every = [token_id for of_row in targets for token_id in of_row]
        scores = iter(prompt_scores(self._head, states, every, most))
        self._pending = [
            (row, begin, list(islice(scores, len(of_row))))
            for (row, _, begin, _), of_row in zip(scored, targets, strict=True)
        ]
