"""Grammars without the process that compiles them, and answers drawn from them at random."""

import json
import random
from collections.abc import Collection
from functools import cached_property

import torch
import xgrammar

from chat.serving.errors import BadSchema
from chat.tools import Extras, JsonShape
from engine.grammar.child import compile_job
from engine.grammar.job import job_of
from engine.grammar.mask import Mask, Vocabulary
from tests.tiny import END, tiny_tokenizer

Json = object
ENDINGS = (b'"', b"}", b"]", b",")
"""An answer drawn without bias hardly ever ends."""


def shape(schema: Json) -> Extras:
    return Extras(shape=JsonShape(schema if isinstance(schema, str) else json.dumps(schema)))


class Maker:
    """Makes grammars for the tiny model's tokens: one for each byte."""

    def __init__(self, end_ids: Collection[int] = ()) -> None:
        self.tokenizer = tiny_tokenizer().backend_tokenizer
        (self.end_id,) = self.tokenizer.encode(END).ids
        self.vocabulary = Vocabulary(self.tokenizer, end_ids or [self.end_id])
        self._info = xgrammar.TokenizerInfo.deserialize_json(self.vocabulary.text)

    @cached_property
    def compiler(self) -> xgrammar.GrammarCompiler:
        return xgrammar.GrammarCompiler(self._info, max_threads=1)

    @cached_property
    def words(self) -> list[bytes]:
        """What each token writes."""
        return self._info.decoded_vocab

    def grammar(self, extras: Extras) -> xgrammar.CompiledGrammar:
        """Raises BadSchema."""
        job = job_of(extras)
        assert job is not None
        answer = compile_job(self.compiler, job)
        if answer[:1] == b"-":
            raise BadSchema(**json.loads(answer[1:]))
        return self.vocabulary.grammar(answer[1:].decode())

    def mask(self, extras: Extras) -> Mask:
        return Mask(self.grammar(extras))

    def accepts(self, extras: Extras, answer: str | bytes) -> bool:
        """Whether `answer` could be written, and the answer be over then."""
        matcher = xgrammar.GrammarMatcher(self.grammar(extras))
        return matcher.accept_string(answer) and matcher.is_completed()

    def draw(self, extras: Extras, seed: int, limit: int = 600) -> bytes | None:
        """An answer that the masks allow, token by token; None if it has not ended by `limit`."""
        chance, mask = random.Random(seed), self.mask(extras)
        written: list[int] = []
        while len(written) < limit:
            scores = torch.zeros(self.tokenizer.get_vocab_size())
            mask.apply(scores, written)
            allowed = scores.isfinite().nonzero().flatten().tolist()
            if self.end_id in allowed and (len(allowed) == 1 or chance.random() < 0.5):
                return b"".join(self.words[token_id] for token_id in written)
            likely = [token_id for token_id in allowed if self.words[token_id] in ENDINGS]
            some = likely if likely and chance.random() < 0.3 else allowed
            written.append(
                chance.choice([token_id for token_id in some if token_id != self.end_id])
            )
        return None


class MadeHere:
    """A MaskMaker (see `engine.grammar.compiler`) without a process of its own."""

    def __init__(self, maker: Maker) -> None:
        self._maker = maker

    async def mask(self, extras: Extras) -> Mask | None:
        return self._maker.mask(extras) if job_of(extras) else None

    async def close(self) -> None:
        pass


class NoMasks:
    """A MaskMaker that lets every answer be anything."""

    async def mask(self, extras: Extras) -> Mask | None:
        return None

    async def close(self) -> None:
        pass
