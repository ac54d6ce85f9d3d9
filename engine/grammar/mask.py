"""Masks over the next token: the tokens with which a grammar lets an answer continue.

The only file that uses llguidance's matchers. Importing it imports torch.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Sequence

import torch
from llguidance import LLMatcher, LLParserLimits, LLTokenizer, TokenizerWrapper
from tokenizers import Tokenizer
from torch import Tensor
from transformers.convert_slow_tokenizer import bytes_to_unicode

from chat.serving.errors import BadSchema
from chat.tools import Extras
from engine.grammar.notation import grammar_of, grammar_of_schema

log = logging.getLogger(__name__)

SLOW_S = 0.2
"""Limit of the processor time of one mask. A slower one delays the batch, so its row fails."""

LIMITS = LLParserLimits(
    # Four for each optional member; an object has up to engine.grammar.keywords.MAX_NAMES.
    max_items_in_row=10_000,
    # llguidance's defaults, in its own estimates: 20 ms to read the patterns of a schema; per mask
    # 15 ms for patterns and 3 ms for all else.
    initial_lexer_fuel=1_000_000,
    step_lexer_fuel=200_000,
    step_max_items=50_000,
    max_grammar_size=500_000,
    # About 0.5 kB each; a string of 10,000 characters needs 80,000.
    max_lexer_states=250_000,
    precompute_large_lexemes=True,
    # Verbose errors would contain the schema and the answer.
    verbose_errors=False,
)

CHUNK = 32_768
"""Tokens to mask at once. For larger tensors torch uses several CPU threads, which wait for each
other: measured 16 ms instead of 0.1 ms while another process occupies a core."""

REPLACEMENT = "\ufffd".encode()
"""Decoders write it for invalid bytes, so `engine.text` drops it."""


class Vocabulary:
    """The vocabulary for grammars: the bytes of each token, and the tokens that end an answer.

    `tokens` are bytes by token id. `penalties`, shape [256, 8], holds what is added to the scores
    of 8 tokens for each value of a mask byte. Methods must be called from one thread at a time.
    """

    def __init__(self, tokenizer: Tokenizer, end_ids: Collection[int]) -> None:
        ids = tokenizer.get_vocab(with_added_tokens=True)
        added = tokenizer.get_added_tokens_decoder()
        byte_of = {letter: byte for byte, letter in bytes_to_unicode().items()}
        self.tokens = [b""] * (max(ids.values()) + 1)
        for word, token_id in ids.items():
            data = word.encode() if token_id in added else bytes(byte_of[sign] for sign in word)
            self.tokens[token_id] = data
        special = [token_id for token_id, token in added.items() if token.special]
        encoder = _Encoder(tokenizer, self.tokens, special, min(end_ids, default=None))
        self._tokenizer = LLTokenizer(TokenizerWrapper(encoder), eos_token=sorted(end_ids) or None)
        self.penalties = torch.tensor(
            [[0.0 if byte >> bit & 1 else -torch.inf for bit in range(8)] for byte in range(256)]
        )
        self._lossless = [self._without(REPLACEMENT[:done]) for done in range(len(REPLACEMENT))]

    def mask(self, extras: Extras) -> "Mask | None":
        """The mask for one answer; None if `extras` do not constrain it. Raises BadSchema."""
        grammar = grammar_of(extras)
        if grammar is None:
            return None
        matcher = self._matcher(grammar.text)
        if not matcher.is_error():
            return Mask(self, matcher)
        for schema in grammar.schemas:
            if error := self._matcher(grammar_of_schema(schema)).get_error():
                raise _refusal(error, schema.rewriter.place_of)
        raise _refusal(matcher.get_error(), lambda _: "#")

    def lossless(self, written: bytes) -> Tensor:
        """A bit mask of the tokens that do not complete a U+FFFD after the bytes `written`."""
        begun = [done for done in range(len(REPLACEMENT)) if written.endswith(REPLACEMENT[:done])]
        return self._lossless[max(begun)]

    def _matcher(self, grammar: str) -> LLMatcher:
        """A matcher at the beginning of an answer; its error may be set."""
        matcher = LLMatcher(self._tokenizer, grammar, log_level=0, limits=LIMITS)
        if not matcher.is_error():
            matcher.compute_bitmask()  # reveals errors; the matcher caches the result
        return matcher

    def _without(self, begun: bytes) -> Tensor:
        rest = REPLACEMENT[len(begun) :]
        mask = torch.full([-(-len(self.tokens) // 8)], 255, dtype=torch.uint8)
        for token_id, token in enumerate(self.tokens):
            if REPLACEMENT in token or (begun and token.startswith(rest)):
                mask[token_id // 8] &= ~(1 << token_id % 8)
        return mask


def _refusal(error: str, place_of: Callable[[str], str]) -> BadSchema:
    """llguidance's error as BadSchema. The message may end with the name of the definition."""
    why, _, place = error.removeprefix("Unsatisfiable schema: ").partition("\n")
    why = why.partition(":")[0]  # the rest is llguidance's internal regular expression
    definition = re.search(r"while processing \S+#/\$defs/(\w+)", place)
    return BadSchema(where=place_of(definition[1] if definition else ""), why=why[:200])


class _Encoder:
    """The tokenizer interface that llguidance expects. It encodes text that a grammar forces."""

    def __init__(
        self, tokenizer: Tokenizer, tokens: Sequence[bytes], special: Sequence[int], end: int | None
    ) -> None:
        self.tokens = tokens
        self.special_token_ids = special
        self.eos_token_id = end
        self.bos_token_id = None
        # A copy: here the names of special tokens are encoded as text, in prompts they are not.
        self._tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self._tokenizer.encode_special_tokens = True

    def __call__(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids


class Mask:
    """The position of one answer in its grammar."""

    def __init__(self, vocabulary: Vocabulary, matcher: LLMatcher) -> None:
        self._vocabulary = vocabulary
        self._matcher = matcher
        self._penalties = vocabulary.penalties
        self._read = 0
        self._tail = b""

    def apply(self, scores: Tensor, token_ids: Sequence[int]) -> None:
        """Set `scores`, shape [vocabulary], of tokens that may not follow `token_ids` to -inf.

        In place. Raises ValueError if the answer does not match or the grammar is too slow.
        """
        begin = time.thread_time()
        allowed = self.allowed(token_ids)
        if time.thread_time() - begin > SLOW_S:
            raise ValueError("the grammar of the answer is too slow")
        self._penalties = self._penalties.to(scores.device)
        width = min(len(scores), 8 * len(allowed))
        allowed = allowed[: -(-width // 8)].to(scores.device)
        chunks = torch.split(scores[:width], CHUNK)
        for chunk, bits in zip(chunks, torch.split(allowed, CHUNK // 8), strict=True):
            chunk.add_(self._penalties.index_select(0, bits.int()).flatten()[: len(chunk)])
        scores[width:] = -torch.inf

    def allowed(self, token_ids: Sequence[int]) -> Tensor:
        """A bit mask, uint8, lowest bit first: whether each token may follow `token_ids`.

        Continues from the last call's position, so repeating a step is harmless. Raises ValueError.
        """
        for token_id in token_ids[self._read :]:
            if not self._matcher.consume_token(token_id):
                break
            self._read += 1
            self._tail = (self._tail + self._vocabulary.tokens[token_id])[-len(REPLACEMENT) :]
        bits = self._matcher.compute_bitmask()
        # A failed matcher allows the end of the answer, as if the answer were complete.
        if self._matcher.is_error():
            # Quoted parts of the message may contain the schema or the answer: not logged.
            log.warning("a grammar failed: %s", re.split("[\"'\n]", self._matcher.get_error())[0])
            raise ValueError("the grammar of the answer failed")
        lossless = self._vocabulary.lossless(self._tail)
        return lossless & torch.frombuffer(bytearray(bits), dtype=torch.uint8)[: len(lossless)]
