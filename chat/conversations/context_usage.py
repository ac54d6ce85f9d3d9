"""Estimates the context usage of the next prompt while its question is being typed.

The history before the draft is tokenised once for each head of a conversation; after a pause in
typing only the draft is tokenised. The sum is an estimate, because tokens may merge at the border
between template and draft. Sending tokenises the whole prompt and decides.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from cachetools import LRUCache

from chat.conversations.context_window import fit, split_turns
from chat.conversations.prompt import system_message
from chat.models import ChatMessage, Role
from chat.serving.errors import PromptTooLong
from chat.serving.models import PreparedPrompt
from chat.serving.ports import Engine

CACHED_HEADS = 1024
"""Conversation heads whose counts are kept; each takes a few kilobytes at most."""


@dataclass(frozen=True, slots=True)
class ContextUsage:
    """What the next prompt takes of the context, in tokens.

    `system`, `history` and `draft` make the prompt; `room` is kept for the answer; `limit` is the
    whole context. `dropped_turns` of the oldest, with `dropped` tokens, will not fit; if not
    `fits`, not even the draft, and `dropped` is 0.
    """

    system: int
    history: int
    draft: int
    room: int
    limit: int
    dropped_turns: int = 0
    fits: bool = True
    dropped: int = 0

    @property
    def prompt(self) -> int:
        return self.system + self.history + self.draft

    @property
    def asked(self) -> int:
        """The tokens of the prompt with all that will be left out of it."""
        return self.prompt + self.dropped

    @property
    def free(self) -> int:
        """The tokens of a prompt that fits."""
        return max(0, self.limit - self.room)


@dataclass(frozen=True, slots=True)
class UsageInput:
    """What is measured: a draft below a history. `head` identifies everything but the draft.

    `limit` is the context length, `room` the part of it that is kept for the answer.
    """

    head: Hashable
    system_prompt: str
    history: Sequence[ChatMessage]
    draft: str
    limit: int
    room: int
    keep_turns: int | None = None


@dataclass(frozen=True, slots=True)
class _Head:
    """Counts of what stands before a draft.

    `bare` is the prompt of an empty question behind the system prompt. `history[n]` is what the
    history adds without its first `n` turns; empty where the engine cannot tell turns apart.
    """

    bare: int
    history: Sequence[int]


class ContextMeter:
    """Measures drafts. Keeps counts only, no text."""

    def __init__(self) -> None:
        self._heads: LRUCache[Hashable, _Head] = LRUCache(CACHED_HEADS)

    async def measure(self, engine: Engine, usage_input: UsageInput) -> ContextUsage:
        """Raises EngineNotReady."""
        head = self._heads.get(usage_input.head)
        if head is None:
            head = self._heads[usage_input.head] = await _count_head(engine, usage_input)
        draft = (await engine.prepare(usage_input.draft)).tokens if usage_input.draft else 0
        if not head.history:
            return await _measure_exactly(engine, usage_input, head.bare, draft)
        turns = len(head.history) - 1  # of the history; the draft begins one more
        first = max(0, turns + 1 - usage_input.keep_turns) if usage_input.keep_turns else 0
        free = usage_input.limit - usage_input.room - head.bare - draft
        while first < turns and head.history[first] > free:
            first += 1
        fits = head.history[first] <= free
        return ContextUsage(
            system=head.bare,
            history=head.history[first] if fits else 0,
            draft=draft,
            room=usage_input.room,
            limit=usage_input.limit,
            dropped_turns=first,
            fits=fits,
            dropped=head.history[0] - head.history[first] if fits else 0,
        )


async def _count_head(engine: Engine, usage_input: UsageInput) -> _Head:
    system, empty = system_message(usage_input.system_prompt), ChatMessage(Role.USER, "")
    bare = await engine.prepare([*system, empty])
    if not usage_input.history:
        return _Head(bare.tokens, (0,))
    whole = await engine.prepare([*system, *usage_input.history, empty])
    if not whole.turn_ends:
        return _Head(bare.tokens, ())
    return _Head(bare.tokens, _sizes_of(usage_input.history, len(system), whole, bare.tokens))


def _sizes_of(
    history: Sequence[ChatMessage], before: int, whole: PreparedPrompt, bare: int
) -> Sequence[int]:
    """What the history adds to a prompt, without its first 0, 1, 2, … turns."""
    end = whole.prefix_tokens(before + len(history))
    sizes = [whole.tokens - bare]
    for turn in split_turns(history):
        before += len(turn)
        sizes.append(end - whole.prefix_tokens(before))
    return tuple(sizes)


async def _measure_exactly(
    engine: Engine, usage_input: UsageInput, bare: int, draft: int
) -> ContextUsage:
    """As `measure`, by tokenising the whole prompt."""
    history = [*usage_input.history, ChatMessage(Role.USER, usage_input.draft)]
    try:
        window = await fit(
            usage_input.system_prompt,
            history,
            prepare=engine.prepare,
            budget=usage_input.limit - usage_input.room,
            keep_turns=usage_input.keep_turns,
        )
    except PromptTooLong:
        dropped = len(split_turns(history)) - 1
        return ContextUsage(
            bare, 0, draft, usage_input.room, usage_input.limit, dropped, fits=False
        )
    dropped = 0
    if window.dropped_turns:
        whole = await engine.prepare([*system_message(usage_input.system_prompt), *history])
        dropped = whole.tokens - window.prompt_tokens
    return ContextUsage(
        bare,
        window.prompt_tokens - bare - draft,
        draft,
        usage_input.room,
        usage_input.limit,
        window.dropped_turns,
        dropped=dropped,
    )
