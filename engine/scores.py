"""The scores of an answer's tokens: their letters and bytes, in step with the text that is shown.

Knows nothing of where scores come from.
"""

from collections import deque
from collections.abc import Iterable

from tokenizers import Tokenizer
from transformers.convert_slow_tokenizer import bytes_to_unicode

from chat.tools import TokenScore
from engine.row import Score

LEAST_LOGPROB = -9999.0
"""What is told of the impossible: JSON has no infinity. The API of OpenAI does the same."""


class ScoreLine:
    """The scores of one answer, held back while their text is: it may turn out to be none of it.

    Those of tokens without text of their own (half characters, tags of calls) wait for nothing.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = {letter: byte for byte, letter in bytes_to_unicode().items()}
        self._added = tokenizer.get_added_tokens_decoder()
        self._held: deque[tuple[int, TokenScore]] = deque()

    def add(self, token_id: int, score: Score, *, begin: int) -> None:
        """A token whose text begins after `begin` characters."""
        best = tuple(self._token_score(other, logprob) for other, logprob in score.best)
        self._held.append((begin, self._token_score(token_id, score.logprob, best)))

    def release(self, released: int, written: int) -> Iterable[TokenScore]:
        """Those of the text that is out: `shown` of the `written` characters."""
        while self._held and (released == written or self._held[0][0] < released):
            yield self._held.popleft()[1]

    def _token_score(
        self, token_id: int, logprob: float, best: tuple[TokenScore, ...] = ()
    ) -> TokenScore:
        text, data = self._letters(token_id)
        return TokenScore(text, data, max(logprob, LEAST_LOGPROB), best)

    def _letters(self, token_id: int) -> tuple[str, bytes]:
        """Text and bytes of a token. Control tokens have a name, but write nothing.

        Ids beyond the vocabulary, which fill up the model's, have neither.
        """
        if added := self._added.get(token_id):
            return added.content, b"" if added.special else added.content.encode()
        token = self._tokenizer.id_to_token(token_id) or ""
        data = bytes(self._bytes[letter] for letter in token)
        return data.decode(errors="replace"), data
