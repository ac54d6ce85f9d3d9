"""Masks without the compiler's thread, and random answers drawn from them."""

import json
import random
from collections.abc import Collection, Iterator
from decimal import Decimal

import torch
from jsonschema import Draft202012Validator
from tokenizers import Tokenizer
from torch import Tensor

from chat.tools import Extras, JsonShape
from engine.grammar.mask import Mask, Vocabulary
from tests.tiny import END, tiny_tokenizer

Json = object
ENDINGS = (b'"', b"}", b"]", b",")
"""A bias towards closing tokens: a uniformly drawn answer hardly ever ends."""


def shape(schema: Json) -> Extras:
    return Extras(shape=JsonShape(schema if isinstance(schema, str) else json.dumps(schema)))


class Maker:
    """Makes masks for the tiny model's tokens, one for each byte, or for those of `tokenizer`.

    `words`: what each of them writes.
    """

    def __init__(self, end_ids: Collection[int] = (), tokenizer: Tokenizer | None = None) -> None:
        self.tokenizer = tokenizer or tiny_tokenizer().backend_tokenizer
        (self.end_id,) = self.tokenizer.encode(END).ids
        self.vocabulary = Vocabulary(self.tokenizer, end_ids or [self.end_id])
        self.words = list(self.vocabulary.tokens)
        for token_id, token in self.tokenizer.get_added_tokens_decoder().items():
            if token.special:
                self.words[token_id] = b""

    def mask(self, extras: Extras) -> Mask:
        """Raises BadSchema."""
        mask = self.vocabulary.mask(extras)
        assert mask is not None
        return mask

    def allowed(self, mask: Mask, written: list[int]) -> list[int]:
        """The tokens allowed after `written`."""
        allowed: list[int] = self._allowed(mask, written).tolist()
        return allowed

    def _allowed(self, mask: Mask, written: list[int]) -> Tensor:
        scores = torch.zeros(self.tokenizer.get_vocab_size())
        mask.apply(scores, written)
        return scores.isfinite().nonzero().flatten()

    def accepts(self, extras: Extras, answer: str | bytes) -> bool:
        """Whether the masks allow `answer` as a complete answer."""
        if isinstance(answer, str):
            token_ids = self.tokenizer.encode(answer).ids
        else:
            token_ids = [self.words.index(bytes([byte])) for byte in answer]
        mask = self.mask(extras)
        return all(
            token_id in self.allowed(mask, token_ids[:place])
            for place, token_id in enumerate([*token_ids, self.end_id])
        )

    def draw(self, extras: Extras, seed: int, limit: int = 600) -> bytes | None:
        """A random answer that the masks allow; None if it is longer than `limit`."""
        chance, mask = random.Random(seed), self.mask(extras)
        endings = torch.tensor([self.words.index(ending) for ending in ENDINGS])
        written: list[int] = []
        while len(written) < limit:
            allowed = self._allowed(mask, written)
            others = allowed[allowed != self.end_id]
            if len(others) < len(allowed) and (not len(others) or chance.random() < 0.5):
                return b"".join(self.words[token_id] for token_id in written)
            likely = others[torch.isin(others, endings)]
            some = likely if len(likely) and chance.random() < 0.3 else others
            written.append(int(some[chance.randrange(len(some))]))
        return None


def check_fits(schema: Json, answer: bytes) -> None:
    """Whether an answer is valid for the schema: exact numbers, no duplicate declared names."""
    declared = set(_declared(schema))

    def members(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        names = [name for name, _ in pairs if name in declared]
        assert len(set(names)) == len(names)
        return dict(pairs)

    value = json.loads(answer.decode(), parse_float=Decimal, object_pairs_hook=members)
    json.dumps(value, ensure_ascii=False, default=str).encode()  # no half of a surrogate pair
    exact = json.loads(json.dumps(schema), parse_float=Decimal)
    Draft202012Validator(exact).validate(value)


def _declared(schema: Json) -> Iterator[str]:
    """The names of all members that are declared anywhere in a schema."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        yield from _declared(list(schema.values()))
    elif isinstance(schema, list):
        for part in schema:
            yield from _declared(part)


class InProcess:
    """A MaskMaker (see `engine.grammar.compiler`) without a thread of its own."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    async def mask(self, extras: Extras) -> Mask | None:
        return self._maker.vocabulary.mask(extras)

    async def close(self) -> None:
        pass


class NoMasks:
    """A MaskMaker whose masks allow everything."""

    async def mask(self, extras: Extras) -> Mask | None:
        return None

    async def close(self) -> None:
        pass
