"""Which turns fit the context. Tokenises through a function it is given; knows no tokenizer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from chat.models import ChatMessage, Role
from chat.serving.errors import PromptTooLong
from chat.serving.models import PreparedPrompt

Prepare = Callable[[Sequence[ChatMessage]], Awaitable[PreparedPrompt]]


@dataclass(frozen=True, slots=True)
class ContextWindow:
    """What the model reads: the system prompt and the newest whole turns."""

    prompt: PreparedPrompt
    dropped_turns: int

    @property
    def messages(self) -> Sequence[ChatMessage]:
        return self.prompt.messages

    @property
    def prompt_tokens(self) -> int:
        return self.prompt.tokens


def split_turns(history: Sequence[ChatMessage]) -> list[tuple[ChatMessage, ...]]:
    """Group messages into turns; each begins with a question."""
    turns: list[tuple[ChatMessage, ...]] = []
    for message in history:
        if message.role is Role.USER or not turns:
            turns.append((message,))
        else:
            turns[-1] += (message,)
    return turns


async def fit(
    system_prompt: str,
    history: Sequence[ChatMessage],
    *,
    prepare: Prepare,
    budget: int,
    keep_turns: int | None = None,
) -> ContextWindow:
    """The newest whole turns of `history` whose prompt has at most `budget` tokens.

    The last turn, with the question to be answered, is never dropped: raises PromptTooLong when
    even that does not fit. A prompt grows with each turn, so the first turn to keep is found by
    bisection: a handful of tokenisations, and a single one when everything fits.
    """
    system = [ChatMessage(Role.SYSTEM, system_prompt)] if system_prompt.strip() else []
    turns = split_turns(history)
    newest = len(turns) - 1

    async def attempt(first: int) -> ContextWindow:
        messages = (*system, *(message for turn in turns[first:] for message in turn))
        return ContextWindow(await prepare(messages), dropped_turns=first)

    low = max(0, len(turns) - keep_turns) if keep_turns else 0
    best = await attempt(low)
    if best.prompt_tokens <= budget:
        return best
    best, high = await attempt(newest), newest
    if best.prompt_tokens > budget:
        raise PromptTooLong(tokens=best.prompt_tokens, limit=budget)
    while high - low > 1:  # low is known not to fit, high is known to fit
        middle = (low + high) // 2
        window = await attempt(middle)
        if window.prompt_tokens <= budget:
            best, high = window, middle
        else:
            low = middle
    return best
