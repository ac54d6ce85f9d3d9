"""Fakes of ports, for tests that are not about the real implementation."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from chat.conversations.ports import ConversationStore
from chat.errors import AppError, BadRequest, NotFound
from chat.feedback.models import AnswerSnapshot, Placement, Rating, RatingInput
from chat.feedback.ratings import Ratings
from chat.models import (
    BarePrompt,
    ChatMessage,
    FillInPrompt,
    Finish,
    Prompt,
    Sampling,
    Timing,
    TokenPrompt,
    Usage,
)
from chat.serving.errors import EngineNotReady, PromptTooLong
from chat.serving.models import Delta, EngineInfo, EngineState, Phase, PreparedPrompt
from chat.serving.ports import Engine
from chat.tools import NO_EXTRAS, CallPiece, EngineLoad, Extras, TokenScore, Tool

DEFAULTS = Sampling(
    temperature=0.7, top_p=0.8, top_k=20, repetition_penalty=1.05, max_new_tokens=256
)

REUSED = 3


@dataclass(frozen=True, slots=True)
class Script:
    """One answer: its pieces, the time of each, and an error after the last one."""

    pieces: Sequence[str | CallPiece] = ("Hel", "lo")
    step_s: float = 0.0
    prefill_s: float = 0.0
    finish: Finish = Finish.STOP
    error: AppError | None = None
    hangs: bool = False


@dataclass
class ScriptedEngine:
    """An Engine that answers by scripts and repeats the last one. One character is one token.

    Records what it tokenised (`prepared`) and answered (`prompts`), and how many requests are
    running or were cut off.
    """

    scripts: list[Script] = field(default_factory=lambda: [Script()])
    context_length: int = 1000
    max_concurrent: int = 8
    ready: bool = True
    prompts: list[tuple[ChatMessage, ...]] = field(default_factory=list)
    prepared: list[Prompt] = field(default_factory=list)
    samplings: list[Sampling] = field(default_factory=list)
    salts: list[str] = field(default_factory=list)
    extras: list[Extras] = field(default_factory=list)
    running: int = 0
    cancelled: int = 0
    generated_tokens: int = 0
    current_state: EngineState = field(default_factory=lambda: EngineState(Phase.LOADING))
    notes: tuple[str, ...] = ()
    model: str = "Scripted-1B-Instruct"
    quantization: str = "none"

    def __post_init__(self) -> None:
        if self.ready:
            self.current_state = EngineState(Phase.READY)

    @property
    def info(self) -> EngineInfo | None:
        return EngineInfo(
            engine="scripted",
            model=self.model,
            revision="r1",
            quantization=self.quantization,
            dtype="bfloat16",
            device="cpu",
            context_length=self.context_length,
            max_concurrent=self.max_concurrent,
            defaults=DEFAULTS,
            licence="Apache-2.0",
            notes=self.notes,
        )

    @property
    def state(self) -> EngineState:
        return self.current_state

    async def start(self) -> None:
        self.current_state = EngineState(Phase.READY)

    async def stop(self) -> None:
        self.current_state = EngineState(Phase.DEAD)

    def _require_ready(self) -> None:
        if self.current_state.phase is not Phase.READY:
            raise EngineNotReady

    async def prepare(
        self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()
    ) -> PreparedPrompt:
        self._require_ready()
        if isinstance(prompt, TokenPrompt):
            if max(prompt.token_ids) > sys.maxunicode:
                raise BadRequest(name="prompt")
            prompt = "".join(map(chr, prompt.token_ids))
        if isinstance(prompt, FillInPrompt):
            prompt = f"<prefix>{prompt.text}<suffix>{prompt.suffix}<middle>"
        self.prepared.append(prompt)
        if isinstance(prompt, str):
            if not prompt or tools:
                raise BadRequest
            return PreparedPrompt(prompt, [ord(character) for character in prompt])
        if all(message.partial for message in prompt) or prompt[-1].calls:
            raise BadRequest
        ids = [ord(character) for message in prompt for character in message.content]
        ends = accumulate(len(message.content) for message in prompt)
        return PreparedPrompt(tuple(prompt), ids, tuple(ends))

    @property
    def load(self) -> EngineLoad:
        return EngineLoad(running=self.running, generated_tokens=self.generated_tokens)

    async def render_prompt(self, messages: Sequence[ChatMessage]) -> str:
        self._require_ready()
        return "\n".join(f"<{message.role}>{message.content}" for message in messages)

    async def generate(
        self,
        prompt: PreparedPrompt,
        sampling: Sampling,
        *,
        salt: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> AsyncGenerator[Delta, None]:
        self._require_ready()
        if prompt.tokens >= self.context_length:
            raise PromptTooLong(tokens=prompt.tokens, limit=self.context_length)
        if any(token_id > sys.maxunicode for token_id, _ in extras.logit_bias):
            raise BadRequest(name="logit_bias")
        script = self.scripts[0] if len(self.scripts) == 1 else self.scripts.pop(0)
        if prompt.messages:
            self.prompts.append(tuple(prompt.messages))
        self.samplings.append(sampling)
        self.salts.append(salt)
        self.extras.append(extras)
        self.running += 1
        ended, tokens = False, 0
        try:
            async for delta in self._play(script, prompt, extras):
                self.generated_tokens += delta.completion_tokens - tokens
                tokens = delta.completion_tokens
                ended = delta.finish is not None
                yield delta
        finally:
            self.running -= 1
            self.cancelled += not ended

    async def _play(
        self, script: Script, prompt: PreparedPrompt, extras: Extras
    ) -> AsyncGenerator[Delta, None]:
        top_logprobs = extras.top_logprobs
        await asyncio.sleep(script.prefill_s)
        yield Delta()
        tokens = 0
        if extras.prompt_scores:
            text = "".join(map(chr, prompt.token_ids))
            yield Delta(prompt_scores=_scores(text, top_logprobs or 0))
        for piece in () if extras.prompt_only else script.pieces:
            await asyncio.sleep(script.step_s)
            timing = Timing(prefill_s=0.1, ttft_s=0.1, reused_prompt_tokens=REUSED)
            if isinstance(piece, CallPiece):
                tokens += 1
                yield Delta(completion_tokens=tokens, timing=timing, calls=(piece,))
            else:
                tokens += len(piece)
                scores = () if top_logprobs is None else _scores(piece, top_logprobs)
                yield Delta(text=piece, completion_tokens=tokens, timing=timing, scores=scores)
        if script.hangs:
            await asyncio.Event().wait()
        if script.error:
            raise script.error
        yield Delta(
            completion_tokens=tokens,
            finish=Finish.LENGTH if extras.prompt_only else script.finish,
            usage=Usage(prompt_tokens=prompt.tokens, completion_tokens=tokens),
            timing=Timing(
                prefill_s=0.1,
                ttft_s=0.1,
                total_s=0.5,
                decode_tokens_per_s=10.0,
                reused_prompt_tokens=REUSED,
            ),
        )


def _scores(text: str, top_logprobs: int) -> tuple[TokenScore, ...]:
    """Each character with log probability -0.5 and as many alternatives as requested."""
    others = [TokenScore(letter, letter.encode(), -0.5) for letter in "abcdefghijklmnopqrst"]
    best = tuple(others[:top_logprobs])
    return tuple(TokenScore(letter, letter.encode(), -0.5, best) for letter in text)


class Unrated:
    """A `chat.feedback.ports.RatingStore` without ratings."""

    async def rate(
        self, snapshot: AnswerSnapshot, user_id: str, rating_input: RatingInput, rated_at: datetime
    ) -> Rating:
        raise NotFound

    async def snapshot_of(self, owner_id: str, answer_id: str) -> AnswerSnapshot | None:
        return None

    async def newest(self, user_id: str, answer_ids: Collection[str]) -> Mapping[str, Rating]:
        return {}

    async def placement(self, campaign_id: str, user_id: str, message_id: str) -> Placement | None:
        return None


def unrated(conversations: ConversationStore) -> Ratings:
    """The service over it, for pages that are not about ratings."""
    return Ratings(conversations=conversations, store=Unrated())


async def generate(
    engine: Engine,
    prompt: Prompt,
    sampling: Sampling,
    *,
    salt: str = "",
    extras: Extras = NO_EXTRAS,
) -> AsyncGenerator[Delta, None]:
    """Tokenise a prompt and generate an answer to it."""
    prepared = await engine.prepare(prompt, extras.tools)
    async with aclosing(engine.generate(prepared, sampling, salt=salt, extras=extras)) as deltas:
        async for delta in deltas:
            yield delta
