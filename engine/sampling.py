"""Chooses the next token of every row from the logits, in one pass over the batch.

Selects the best tokens first and samples among those, instead of sorting the vocabulary for every
row. Import it in the engine's thread: it imports torch.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from engine.row import Row, Score

MAX_NARROW = 1024
"""Rows with a larger top-k are sampled separately, so that they do not slow down the others."""


class SampledTokens(NamedTuple):
    """Token ids, shape [rows], and whether each row had a finite best score, shape [rows].

    `scores` are keyed by row index, for the rows that ask for log-probabilities.
    """

    token_ids: Tensor
    valid: Tensor
    scores: Mapping[int, Score]


def choose_tokens(scores: Tensor, rows: Sequence[Row]) -> SampledTokens:
    """The next token of every row; each depends only on its own scores, settings and history.

    `scores` are float32 logits of shape [rows, vocabulary]; they are changed in place.
    """
    scored = [place for place, row in enumerate(rows) if row.top_logprobs is not None]
    logprobs = scores[scored].log_softmax(dim=-1) if scored else None
    for row_scores, row in zip(scores, rows, strict=True):
        try:
            _adjust(row_scores, row)
        except (IndexError, TypeError, ValueError) as error:  # fails this row, not the batch
            row.error = str(error)
    token_ids = scores.argmax(dim=-1)
    valid = scores.gather(-1, token_ids.unsqueeze(-1)).squeeze(-1).isfinite()
    drawn = [place for place, row in enumerate(rows) if not row.decoding.is_greedy]
    narrow = [place for place in drawn if 0 < rows[place].decoding.top_k <= MAX_NARROW]
    wide = [place for place in drawn if place not in narrow]
    for group in filter(None, (narrow, wide)):
        token_ids[group] = _draw(scores[group], [rows[place] for place in group])
    token_scores = {}
    if logprobs is not None:
        most = max(rows[place].top_logprobs or 0 for place in scored)
        token_scores = dict(zip(scored, scores_of(logprobs, token_ids[scored], most), strict=True))
    return SampledTokens(token_ids, valid, token_scores)


def commit_tokens(chosen: SampledTokens, rows: Sequence[Row]) -> None:
    """Append the chosen tokens to the rows; set `error` on rows without a finite score."""
    token_ids, valid = chosen.token_ids.tolist(), chosen.valid.tolist()
    for place, row in enumerate(rows):
        if not valid[place]:
            row.error = "the model's scores are not numbers"
        elif row.error is None:
            row.token_ids.append(token_ids[place])
            if row.top_logprobs is not None:
                logprob, best = chosen.scores[place]
                row.scores.append(Score(logprob, best[: row.top_logprobs]))


def _adjust(scores: Tensor, row: Row) -> None:
    """Apply mask, bias, penalties and minimum length to `scores`, shape [vocabulary], in place."""
    decoding = row.decoding
    if row.mask is not None:
        row.mask.apply(scores, row.token_ids)
    if decoding.logit_bias:
        token_ids, biases = zip(*decoding.logit_bias, strict=True)
        scores[list(token_ids)] += torch.tensor(biases, dtype=scores.dtype, device=scores.device)
    if decoding.repetition_penalty != 1:
        _penalise_repetition(scores, row)
    if decoding.presence_penalty or decoding.frequency_penalty:
        _penalise_frequency(scores, row)
    if len(row.token_ids) < decoding.min_new_tokens:
        _forbid_end(scores, row)


def _forbid_end(scores: Tensor, row: Row) -> None:
    """Forbid the end tokens, unless the mask allows no other token."""
    ends = [*row.end_ids]
    saved = scores[ends]
    scores[ends] = -torch.inf
    if row.mask is not None and scores.max() == -torch.inf:
        scores[ends] = saved


def _penalise_repetition(scores: Tensor, row: Row) -> None:
    """Make the tokens of prompt and answer less likely."""
    penalty = row.decoding.repetition_penalty
    seen = _seen(row, scores.device)
    values = scores[seen]
    # Duplicates in `seen` are harmless: each writes the same value.
    scores[seen] = torch.where(values < 0, values * penalty, values / penalty)


def _penalise_frequency(scores: Tensor, row: Row) -> None:
    """Subtract presence_penalty once, and frequency_penalty per occurrence in the answer."""
    answer = _seen(row, scores.device)[len(row.prompt_ids) :]
    token_ids, counts = torch.unique(answer, return_counts=True)
    scores[token_ids] -= (
        row.decoding.presence_penalty + row.decoding.frequency_penalty * counts
    ).to(scores.dtype)


def scores_of(logprobs: Tensor, token_ids: Tensor, most: int) -> list[Score]:
    """The score of each row's token, with `most` alternatives. `logprobs`: [rows, vocabulary]."""
    own = logprobs.gather(-1, token_ids.unsqueeze(-1)).squeeze(-1).tolist()
    values, best = _best(logprobs, min(most, logprobs.shape[-1]))
    pairs = [
        tuple(zip(*row, strict=True)) for row in zip(best.tolist(), values.tolist(), strict=True)
    ]
    return [Score(*row) for row in zip(own, pairs, strict=True)]


def _seen(row: Row, device: torch.device) -> Tensor:
    """Prompt and answer so far on `device`, shape [length]; only new tokens are copied."""
    if row.seen is None:
        row.seen = torch.tensor([*row.prompt_ids, *row.token_ids], device=device)
    new = row.token_ids[len(row.seen) - len(row.prompt_ids) :]
    if new:
        row.seen = torch.cat([row.seen, torch.tensor(new, device=device)])
    return row.seen


def _draw(scores: Tensor, rows: Sequence[Row]) -> Tensor:
    """Sample one token per row: top-k, temperature, top-p and min-p. Returns shape [rows]."""
    vocabulary = scores.shape[-1]
    keep = [min(row.decoding.top_k or vocabulary, vocabulary) for row in rows]
    logits, token_ids = _best(scores, max(keep))
    # float64, so that the cumulative sums do not depend on the other rows' top-k
    settings = torch.tensor(
        [
            (
                row.decoding.temperature,
                size,
                row.decoding.top_p,
                row.decoding.min_p,
                row.decoding.uniform(len(row.token_ids)),
            )
            for row, size in zip(rows, keep, strict=True)
        ],
        dtype=torch.float64,
        device=scores.device,
    )
    temperature, top_k, top_p, min_p, uniform = settings.unsqueeze(-1).unbind(1)
    position = torch.arange(logits.shape[-1], device=scores.device)
    logits = (logits.double() - logits[:, :1]) / temperature
    probabilities = logits.masked_fill(position >= top_k, -torch.inf).softmax(dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    left_out = (before >= top_p) | (probabilities < min_p * probabilities[:, :1])
    probabilities = probabilities.masked_fill(left_out & (position > 0), 0)
    total = probabilities.cumsum(dim=-1)
    place = (total <= uniform * total[:, -1:]).sum(dim=-1, keepdim=True)
    last = (probabilities > 0).sum(dim=-1, keepdim=True) - 1
    place = place.minimum(last).clamp(min=0)  # rounding; and scores that are no numbers at all
    return token_ids.gather(-1, place).squeeze(-1)


def _best(scores: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The best scores and their ids, shape [rows, count]; ties in the order of the ids.

    Scores computed in bfloat16 are often equal, and `topk` returns ties in no defined order.
    """
    values, token_ids = scores.topk(count)
    token_ids, order = token_ids.sort(dim=-1)
    values, order = values.gather(-1, order).sort(dim=-1, descending=True, stable=True)
    return values, token_ids.gather(-1, order)
