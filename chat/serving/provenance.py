"""From what an answer was made: the values that are kept beside it."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import astuple

from chat.models import ChatMessage, ChatOptions, Provenance
from chat.serving.models import EngineInfo


def prompt_sha256(messages: Sequence[ChatMessage]) -> str:
    """What tells one prompt from every other: the digest of its messages."""
    prompt = [
        # Only with calls, so that what was kept before there were any still tells its prompt.
        [message.role, message.content, *map(astuple, message.calls)]
        for message in messages
    ]
    return hashlib.sha256(json.dumps(prompt).encode()).hexdigest()


def provenance(
    info: EngineInfo | None,
    messages: Sequence[ChatMessage],
    options: ChatOptions,
    *,
    dropped_turns: int = 0,
    continued: str = "",
) -> Provenance | None:
    """Where an answer came from; None when the engine went away before it said what it is.

    `continued` is the text that was there before and was given to the model.
    """
    if info is None:
        return None
    return Provenance(
        model=info.model,
        revision=info.revision,
        quantization=info.quantization,
        engine=info.engine,
        sampling=options.sampling.over(info.defaults),
        prompt_sha256=prompt_sha256(messages),
        dropped_turns=dropped_turns,
        system_prompt=options.system_prompt,
        preset=options.preset,
        continued_characters=len(continued),
    )
