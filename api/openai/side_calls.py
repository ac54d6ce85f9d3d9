"""Bounds what a chat page asks for beside its chat: titles, tags, follow-up questions. Pure.

Open WebUI asks for them as one message that begins with "### Task:", without a stream and mostly
without a limit. A small model that rambles would write to the server's own limit, and nobody reads
it.
"""

from collections.abc import Sequence
from dataclasses import replace

from chat.models import ChatMessage, Role, Sampling

BEGINNING = "### Task:"
MAX_TOKENS = 512
"""The longest of them, a list of follow-up questions, has about 150."""


def bound_side_call(
    sampling: Sampling, prompt: Sequence[ChatMessage], *, stream: bool | None
) -> Sampling:
    """The sampling, with MAX_TOKENS where a side call states no limit."""
    if stream or sampling.max_new_tokens is not None or len(prompt) != 1:
        return sampling
    (message,) = prompt
    if message.role is not Role.USER or not message.content.lstrip().startswith(BEGINNING):
        return sampling
    return replace(sampling, max_new_tokens=MAX_TOKENS)
