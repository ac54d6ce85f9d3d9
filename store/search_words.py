"""Tokenises text for search, with the position of every token. Independent of the database.

A run of letters and digits is one token, a Chinese, Japanese or Korean character is a token of its
own: nobody writes spaces between those, so 天气 is found as two tokens that follow each other.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import NamedTuple
from unicodedata import normalize

from chat.conversations.models import Conversation, Excerpt, Message, SearchHit

CJK = (
    "\u1100-\u11ff\u2e80-\u2fd5\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3041-\u3096\u309d-\u309f"
    "\u30a1-\u30fa\u30fc-\u312f\u3131-\u318e\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua960-\ua97c\uac00-\ud7fb\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
)
"""Radicals, Han with its extension planes, kana, bopomofo, hangul."""

VOICING = "\u3099\u309a\uff9e\uff9f"
ACCENTS = "\u0300-\u036f"
TOKEN = re.compile(rf"[{CJK}][{VOICING}]?|(?:[^\W_{CJK}]|[{ACCENTS}])+")
IDEOGRAPH = re.compile(f"[{CJK}]")
STILL_TYPED = re.compile(rf"[^\W_{CJK}{VOICING}]\Z")
SPACE = re.compile(r"\s")

MOST_WORDS = 16
MOST_TOKENS = 64
MOST_CHARACTERS = 100
"""Bounds of a search, of a word in it, and of a token. PostgreSQL lexemes end at 2,046 bytes."""

EXCERPT = 120
LEAD = 30
LONGEST_EXCERPT = 400
"""Characters of an excerpt, of the text before the first match, and of one long match."""


class SearchToken(NamedTuple):
    """A normalised word and its position in the text."""

    key: str
    start: int
    end: int


class SearchWord(NamedTuple):
    """One word of a search: consecutive tokens, the last one possibly a prefix."""

    keys: tuple[str, ...]
    begins: bool = False

    @property
    def needle(self) -> str:
        """A substring of `haystack(text)` exactly when the text contains this word."""
        return f" {' '.join(self.keys)}" + ("" if self.begins else " ")

    def ends_at(self, tokens: Sequence[SearchToken], last: int) -> bool:
        key, expected = tokens[last].key, self.keys[-1]
        if not (key.startswith(expected) if self.begins else key == expected):
            return False
        first = last + 1 - len(self.keys)
        return first >= 0 and all(
            token.key == key for token, key in zip(tokens[first:last], self.keys, strict=False)
        )


def tokens_of(text: str) -> Iterator[SearchToken]:
    for match in TOKEN.finditer(text):
        if key := _key(match[0]):
            yield SearchToken(key, *match.span())


def words_of(query: str) -> tuple[SearchWord, ...]:
    """The words of a query. Nothing in it is syntax; the last word matches as a prefix."""
    keys_of_parts = (tuple(token.key for token in tokens_of(part)) for part in query.split())
    words = [SearchWord(keys[:MOST_TOKENS]) for keys in keys_of_parts if keys][:MOST_WORDS]
    if words and STILL_TYPED.search(query.rstrip()):
        words[-1] = words[-1]._replace(begins=True)
    return tuple(words)


def haystack(text: str) -> str:
    """The tokens of a text, each with a space on both sides."""
    return f" {' '.join(token.key for token in tokens_of(text))} "


def marked(text: str, words: Sequence[SearchWord]) -> Excerpt:
    """The whole text, with every place of every word."""
    return Excerpt(text, _marks(list(tokens_of(text)), words))


def excerpt(text: str, words: Sequence[SearchWord]) -> Excerpt:
    """The text around the first match of any word, on one line. Stops reading after it."""
    following = tokens_of(text)
    seen, length = _first_place(following, words)
    if not length:
        return _cut(text, 0, EXCERPT, ())
    excerpt = [token for token in seen if token.start >= seen[-length].start - LEAD]
    begin = excerpt[0].start if len(excerpt) < len(seen) else 0
    end = min(max(begin + EXCERPT, seen[-1].end), begin + LONGEST_EXCERPT)
    excerpt += takewhile(lambda token: token.end <= end, following)
    return _cut(text, begin, end, _marks(excerpt, words))


def has_all(text: str, words: Sequence[SearchWord]) -> bool:
    hay = haystack(text)
    return all(word.needle in hay for word in words)


def hit(
    conversation: Conversation, newest: Message | None, words: Sequence[SearchWord]
) -> SearchHit:
    """The search hit of a conversation whose newest message with all words is `message`."""
    title = marked(conversation.title, words)
    if newest is None:
        return SearchHit(conversation, title)
    return SearchHit(conversation, title, newest.id, excerpt(newest.content, words))


def _first_place(
    following: Iterator[SearchToken], words: Sequence[SearchWord]
) -> tuple[list[SearchToken], int]:
    """The tokens up to the end of the first word, and how many of them are that word."""
    seen: list[SearchToken] = []
    for token in following:
        seen.append(token)
        ending = [len(word.keys) for word in words if word.ends_at(seen, len(seen) - 1)]
        if ending:
            return seen, max(ending)
    return seen, 0


def _cut(text: str, begin: int, end: int, marks: Sequence[tuple[int, int]]) -> Excerpt:
    before, after = "…" if begin else "", "…" if end < len(text) else ""
    shift = len(before) - begin
    moved = tuple((start + shift, min(stop, end) + shift) for start, stop in marks)
    return Excerpt(before + SPACE.sub(" ", text[begin:end]) + after, moved)


def _marks(
    tokens: Sequence[SearchToken], words: Sequence[SearchWord]
) -> tuple[tuple[int, int], ...]:
    """The spans of the matches in order; adjacent or overlapping spans are merged."""
    places = sorted(
        (tokens[last + 1 - len(word.keys)].start, tokens[last].end)
        for last in range(len(tokens))
        for word in words
        if word.ends_at(tokens, last)
    )
    marks: list[tuple[int, int]] = []
    for start, end in places:
        if marks and start <= marks[-1][1]:
            marks[-1] = marks[-1][0], max(end, marks[-1][1])
        else:
            marks.append((start, end))
    return tuple(marks)


def _key(word: str) -> str:
    """A token normalised in case, width and accents."""
    # Cut before it is remembered: thousands of words of a whole message each would fill memory.
    return _key_of(word[: 4 * MOST_CHARACTERS])


@lru_cache(maxsize=8192)
def _key_of(word: str) -> str:
    if word.isascii():
        return word.lower()[:MOST_CHARACTERS]
    if IDEOGRAPH.match(word):
        # Composed again, because kana voicing marks and hangul letters distinguish words.
        return _letters(normalize("NFKC", word))
    return _letters(normalize("NFKD", word).casefold())


def _letters(text: str) -> str:
    return "".join(character for character in text if character.isalnum())[:MOST_CHARACTERS]
