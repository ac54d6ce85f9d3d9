"""Log-probabilities of a prompt's tokens, from the hidden states of the pass that reads the prompt.

The logits of a whole prompt would be as large as a model: 8,192 tokens of a vocabulary of 151,936
are 5 GB in float32. So the output head is applied to a few tokens at a time.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from engine.row import Row, Score
from engine.sampling import scores_of

SLICE = 32
"""Tokens whose logits are in memory at once: 20 MB in float32, and as much for a copy of them."""


def slice_scores(logits: Tensor, targets: Sequence[int], most: int) -> list[Score]:
    """The scores of `targets`, with `most` alternatives. `logits`: [targets, vocabulary]."""
    logprobs = logits.float().log_softmax(dim=-1)
    return scores_of(logprobs, torch.tensor(targets, device=logits.device), most)


def prompt_scores(
    head: torch.nn.Module, hidden: Tensor, targets: Sequence[int], most: int
) -> list[Score]:
    """The scores of `targets` where the hidden states, shape [targets, hidden size], predict them.

    `head` makes logits of hidden states. Rows go through it together: it reads all its weights each
    time.
    """
    scores: list[Score] = []
    for start in range(0, len(targets), SLICE):
        part = targets[start : start + SLICE]
        scores += slice_scores(head(hidden[start : start + len(part)]), part, most)
    return scores


def targets_after(row: Row, begin: int, length: int) -> Sequence[int]:
    """The prompt's tokens that follow the `length` tokens from position `begin` on, one each."""
    return row.prompt_ids[begin + 1 : begin + 1 + length]


def keep_scores(row: Row, begin: int, scores: Sequence[Score]) -> None:
    """Set the scores of the tokens after position `begin`, also where the row was begun anew."""
    most = row.top_logprobs or 0
    row.prompt_scores[begin:] = [Score(score.logprob, score.best[:most]) for score in scores]
