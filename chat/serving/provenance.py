"""From what an answer was made: the values that are stored beside it."""

import hashlib
import json
from dataclasses import astuple

from chat.models import ChatOptions, Prompt, Provenance
from chat.serving.models import EngineInfo


def prompt_sha256(prompt: Prompt) -> str:
    """The digest that identifies a prompt: of its messages, or of its bare text."""
    if isinstance(prompt, str):
        return hashlib.sha256(prompt.encode()).hexdigest()
    messages = [
        # Calls are added only where there are any: digests stored before calls existed stay valid.
        [message.role, message.content, *map(astuple, message.calls)]
        for message in prompt
    ]
    return hashlib.sha256(json.dumps(messages).encode()).hexdigest()


def provenance(
    info: EngineInfo | None,
    prompt: Prompt,
    options: ChatOptions,
    *,
    dropped_turns: int = 0,
    continued: str = "",
) -> Provenance | None:
    """Where an answer came from; None when the engine stopped before it gave its `info`.

    `continued` is the text that the prompt already held of the answer.
    """
    if info is None:
        return None
    return Provenance(
        model=info.model,
        revision=info.revision,
        quantization=info.quantization,
        engine=info.engine,
        sampling=options.sampling.over(info.defaults),
        prompt_sha256=prompt_sha256(prompt),
        dropped_turns=dropped_turns,
        system_prompt=options.system_prompt,
        preset=options.preset,
        continued_characters=len(continued),
    )
