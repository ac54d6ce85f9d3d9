"""What a step reads: how many tokens, of which prompts first. Pure: knows no model and no cache."""

from collections.abc import Sequence
from dataclasses import dataclass

STEP_GOAL_S = 0.35
"""Target duration of a step: requests are cancelled and admitted only between steps, and whoever
reads along waits for it. Below the documented 0.5 s, because attention gets slower as the context
grows."""
READING_GOAL_S = 0.45
"""The same while more answers wait for their first token than are written: a larger chunk reads
more tokens per second."""
MIN_CHUNK = 32
"""Smallest token budget of a step."""
CHUNK_GRAIN = 16
"""Budgets are multiples of this."""
OLDEST_SHARE = 4
"""The oldest prompt gets at least one in so many of the tokens that a step reads."""


def step_goal(unread: int, writing: int) -> float:
    """Target seconds of a step with so many rows before their first token and after it."""
    return READING_GOAL_S if unread > writing else STEP_GOAL_S


def next_chunk(
    chunk: int, tokens: int, seconds: float, limit: int, goal_s: float = STEP_GOAL_S
) -> int:
    """The token budget of the next step, after a step of `tokens` tokens that took `seconds`.

    A step that used less than half of its budget is no measure of speed and changes nothing.
    """
    if 2 * tokens < chunk:
        return chunk
    factor = min(max(goal_s / max(seconds, 1e-6), 0.5), 1.5)
    proposed = int(tokens * factor) // CHUNK_GRAIN * CHUNK_GRAIN
    return max(min(MIN_CHUNK, limit), min(proposed, limit))


@dataclass(frozen=True, slots=True)
class ReadingOrder:
    """Prompts by their places in a list: `first`, one after the other, leave `reserved` tokens of
    the budget to the oldest prompt, which then takes all that is left.

    If nothing is reserved, the oldest is in `first` like any other.
    """

    first: Sequence[int]
    reserved: int


def reading_order(unread: Sequence[int], budget: int) -> ReadingOrder:
    """The order in which a step with a budget of `budget` prompt tokens reads.

    `unread` are the tokens that each prompt has left, the oldest prompt first. Those with the least
    left come first, because their answers begin soonest: a short prompt does not wait for a long
    one, and prompts of equal length are not all late together. The share of the oldest bounds how
    long shorter ones can keep it waiting.
    """
    order = sorted(range(len(unread)), key=lambda place: unread[place])  # stable: older ones first
    if not order or order[0] == 0:
        return ReadingOrder(order, 0)
    order.remove(0)
    return ReadingOrder(order, min(unread[0], max(1, budget // OLDEST_SHARE)))
