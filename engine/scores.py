"""Log-probabilities of an answer's tokens, with text and bytes, in step with the visible text.

Knows nothing of where scores come from.
"""

from collections import deque
from collections.abc import Iterable

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from chat.tools import TokenScore
from engine.row import Score

LEAST_LOGPROB = -9999.0
"""Replaces minus infinity, which JSON cannot express; the same value as in the OpenAI API."""


class ScoreLine:
    """The scores of one answer, held back as long as their text may turn out to be a stop string.

    Scores of tokens without text of their own (partial characters, call tags) are not held back.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = {letter: byte for byte, letter in bytes_to_unicode().items()}
        self._added = tokenizer.get_added_tokens_decoder()
        self._held: deque[tuple[int, TokenScore]] = deque()

    def add(self, token_id: int, score: Score, *, begin: int) -> None:
        """Add a token whose text begins after `begin` characters."""
        self._held.append((begin, self.scored(token_id, score)))

    def scored(self, token_id: int, score: Score) -> TokenScore:
        """A token with its log-probability and the alternatives."""
        best = tuple(self._token_score(other, logprob) for other, logprob in score.best)
        return self._token_score(token_id, score.logprob, best)

    def unscored(self, token_id: int) -> TokenScore:
        """A token without alternatives, which says 0."""
        return self._token_score(token_id, 0.0)

    def release(self, released: int, written: int) -> Iterable[TokenScore]:
        """The scores of the released text: `released` of the `written` characters."""
        while self._held and (released == written or self._held[0][0] < released):
            yield self._held.popleft()[1]

    def _token_score(
        self, token_id: int, logprob: float, best: tuple[TokenScore, ...] = ()
    ) -> TokenScore:
        text, data = self._letters(token_id)
        return TokenScore(text, data, max(logprob, LEAST_LOGPROB), best)

    def _letters(self, token_id: int) -> tuple[str, bytes]:
        """Text and bytes of a token. Control tokens have a text but no bytes.

        The model's vocabulary is padded: ids beyond the tokenizer's have neither.
        """
        if added := self._added.get(token_id):
            return added.content, b"" if added.special else added.content.encode()
        token = self._tokenizer.id_to_token(token_id) or ""
        data = bytes(self._bytes[letter] for letter in token)
        return data.decode(errors="replace"), data
