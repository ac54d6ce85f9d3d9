"""One row at a time, for models whose layers are spread over several devices or offloaded.

Same interface and sampler as the continuous batch, over the model's ordinary forward pass and
cache: what `generate` does, but in steps, so that it can be cancelled and reports progress.
"""

import gc
from collections import deque

import torch
from transformers import DynamicCache, PreTrainedModel

from engine.prompt_scores import SLICE, keep_scores, slice_scores, targets_after
from engine.row import Row
from engine.sampling import choose_tokens, commit_tokens


class PlainRunner:
    """A runner (see `engine.worker.Runner`) that takes rows in the order they were added."""

    max_rows = 1
    page = 1

    def __init__(self, model: PreTrainedModel, *, cache_tokens: int, chunk: int) -> None:
        self.cache_tokens = cache_tokens
        self._model = model
        self._chunk = chunk
        self._rows: deque[Row] = deque()
        self._cache: DynamicCache | None = None

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def drop(self, row: Row) -> None:
        if self._rows[0] is row:
            self._cache = None
        self._rows.remove(row)

    @torch.no_grad()
    def step(self) -> list[Row]:
        """One chunk of the first row's prompt, or its next token."""
        if not self._rows:
            return []
        row = self._rows[0]
        row.reused_prompt_tokens = 0
        ids = [*row.prompt_ids, *row.token_ids]
        if self._cache is None:
            self._cache = DynamicCache(config=self._model.config)
        begin = self._cache.get_seq_length()
        scored = row.scores_prompt and begin < len(row.prompt_ids) - 1
        end = min(begin + (SLICE if scored else self._chunk), len(ids))
        logits = self._forward(ids[begin:end], keep=end - begin if scored else 1)
        if scored:
            targets = targets_after(row, begin, end - begin)
            scores = slice_scores(logits[: len(targets)], targets, row.top_logprobs or 0)
            keep_scores(row, begin, scores)
        return self._take_token(row, logits[-1:]) if end == len(ids) else []

    def reset(self) -> None:
        self._rows.clear()
        self._cache = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _forward(self, ids: list[int], keep: int) -> torch.Tensor:
        """Scores for the tokens after the last `keep` of `ids`: float32 [keep, vocabulary]."""
        output = self._model(
            input_ids=torch.tensor([ids], device=self._model.device),
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=keep,
        )
        logits: torch.Tensor = output.logits
        return logits[0, -keep:].float()

    def _take_token(self, row: Row, scores: torch.Tensor) -> list[Row]:
        commit_tokens(choose_tokens(scores, [row]), [row])
        return [row]
