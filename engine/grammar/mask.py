"""Masks over the next token: what a grammar lets one answer go on with.

The only home of xgrammar beside the compiler's process. Importing it imports torch.
"""

import logging
import time
from collections.abc import Collection, Sequence

import torch
import xgrammar
from tokenizers import Tokenizer
from torch import Tensor

log = logging.getLogger(__name__)

SLOW_S = 0.5
"""A mask that takes longer holds everybody up: its answer fails."""


class Vocabulary:
    """The tokens as grammars see them: what each of them writes, and which end an answer."""

    def __init__(self, tokenizer: Tokenizer, end_ids: Collection[int]) -> None:
        token_ids = tokenizer.get_vocab(with_added_tokens=True)
        words = [""] * (max(token_ids.values()) + 1)
        for word, token_id in token_ids.items():
            words[token_id] = word
        for token_id, token in tokenizer.get_added_tokens_decoder().items():
            if token.special:  # it writes nothing, so it has no place in a grammar
                words[token_id] = ""
        self._info = xgrammar.TokenizerInfo(
            words, xgrammar.VocabType.BYTE_LEVEL, stop_token_ids=sorted(end_ids)
        )

    @property
    def text(self) -> str:
        """Everything, for the compiler."""
        return self._info.serialize_json()

    def grammar(self, compiled: str) -> xgrammar.CompiledGrammar:
        """What the compiler made."""
        return xgrammar.CompiledGrammar.deserialize_json(compiled, self._info)


class Mask:
    """The place of one answer in its grammar."""

    def __init__(self, grammar: xgrammar.CompiledGrammar) -> None:
        self._matcher = xgrammar.GrammarMatcher(grammar)
        self._width = grammar.tokenizer_info.vocab_size
        self._read = 0

    def apply(self, scores: Tensor, token_ids: Sequence[int]) -> None:
        """Leave only tokens that may follow `token_ids`. `scores`: shape [vocabulary], in place.

        It reads on from where it was: so it does not matter how often a step is tried. Raises
        ValueError if the answer so far does not fit, or the mask takes too long.
        """
        begin = time.perf_counter()
        try:
            bits = self._bits(token_ids)
        except RuntimeError as error:
            log.warning("a grammar failed: %s", error)
            raise ValueError("the grammar of the answer failed") from None
        if time.perf_counter() - begin > SLOW_S:
            raise ValueError("the grammar of the answer is too slow")
        # The library's own choice for GPUs compiles a kernel, which needs a compiler on the host.
        xgrammar.apply_token_bitmask_inplace(
            scores.unsqueeze(0),
            bits.to(scores.device),
            vocab_size=self._width,
            backend="cpu" if scores.device.type == "cpu" else "torch_native",
        )
        scores[self._width :] = -torch.inf

    def _bits(self, token_ids: Sequence[int]) -> Tensor:
        """A bit for each token, shape [1, vocabulary / 32]: whether it may come next."""
        for token_id in token_ids[self._read :]:
            if not self._matcher.accept_token(token_id):
                raise RuntimeError("it does not allow what was written")
            self._read += 1
        bits = xgrammar.allocate_token_bitmask(1, self._width)
        self._matcher.fill_next_token_bitmask(bits)
        return bits
