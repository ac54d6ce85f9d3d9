"""Which turns fit the context."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.conversations.context_window import fit, split_turns
from chat.models import ChatMessage, Role
from chat.serving.errors import PromptTooLong
from chat.serving.models import PreparedPrompt

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=30)


def conversation(lengths: Sequence[int]) -> list[ChatMessage]:
    """Questions of these lengths, each but the last with an answer of one character."""
    messages: list[ChatMessage] = []
    for number, length in enumerate(lengths):
        messages.append(ChatMessage(Role.USER, chr(97 + number % 26) * length))
        messages.append(ChatMessage(Role.ASSISTANT, "!"))
    return messages[:-1]


class Counter:
    """One character, one token; remembers how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, messages: Sequence[ChatMessage]) -> PreparedPrompt:
        self.calls += 1
        return PreparedPrompt(messages, [0] * sum(len(message.content) for message in messages))


async def test_a_short_conversation_is_sent_completely_and_counted_once() -> None:
    count = Counter()
    history = conversation([3, 4, 5])
    window = await fit("Be kind.", history, prepare=count, budget=100)
    assert window.messages == (ChatMessage(Role.SYSTEM, "Be kind."), *history)
    assert (window.prompt_tokens, window.dropped_turns, count.calls) == (22, 0, 1)


async def test_without_a_system_prompt_none_is_sent() -> None:
    window = await fit("  ", conversation([3]), prepare=Counter(), budget=100)
    assert [message.role for message in window.messages] == [Role.USER]


@given(lengths=LENGTHS, budget=st.integers(1, 600))
async def test_exactly_the_newest_turns_that_fit_are_included(
    lengths: list[int], budget: int
) -> None:
    history = conversation(lengths)
    turns = split_turns(history)
    sizes = [sum(len(message.content) for message in turn) for turn in turns]
    fitting = [first for first in range(len(turns)) if sum(sizes[first:]) <= budget]
    if not fitting:
        with pytest.raises(PromptTooLong) as caught:
            await fit("", history, prepare=Counter(), budget=budget)
        assert caught.value.values == {"tokens": sizes[-1], "limit": budget}
        return
    window = await fit("", history, prepare=Counter(), budget=budget)
    assert window.dropped_turns == fitting[0]
    assert list(window.messages) == [m for turn in turns[fitting[0] :] for m in turn]
    assert window.prompt_tokens == sum(sizes[fitting[0] :])


async def test_a_long_history_needs_few_tokenisations() -> None:
    count = Counter()
    await fit("", conversation([10] * 1000), prepare=count, budget=3000)
    assert count.calls <= 12


async def test_only_the_last_turns_are_included_with_a_limit() -> None:
    window = await fit("", conversation([1, 1, 1, 1]), prepare=Counter(), budget=99, keep_turns=2)
    assert [message.content for message in window.messages] == ["c", "!", "d"]
    assert window.dropped_turns == 2


async def test_the_system_prompt_stays_when_turns_are_dropped() -> None:
    window = await fit("system", conversation([9, 9, 9]), prepare=Counter(), budget=20)
    assert window.messages[0] == ChatMessage(Role.SYSTEM, "system")
    assert window.dropped_turns == 2


def test_a_question_with_a_failed_answer_is_its_own_turn() -> None:
    history = [ChatMessage(Role.USER, "a"), ChatMessage(Role.USER, "b")]
    assert split_turns(history) == [(history[0],), (history[1],)]
