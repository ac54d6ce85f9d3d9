"""What a model's chat template takes and writes, found by rendering it.

Templates are programs: whether one takes a system message, and with which token it ends an answer,
stands in no configuration. Import it in the engine's thread: it imports transformers.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from chat.models import ChatMessage, Role

MARK = "qwenchatmark"
"""A word that no template writes by itself."""
FAULTS = (TemplateError, TypeError, ValueError, LookupError)
"""What a template can raise, with `raise_exception` or by a fault of its own."""


@dataclass(frozen=True, slots=True)
class TemplateTraits:
    """Whether system messages reach the prompt, and the id of the token that ends an answer."""

    takes_system: bool
    end_id: int | None


def inspect_template(tokenizer: PreTrainedTokenizerBase) -> TemplateTraits:
    """The traits of the tokenizer's template. A template that fails takes and ends nothing."""
    tokens = {token.content: token_id for token_id, token in tokenizer.added_tokens_decoder.items()}
    system = _rendered(tokenizer, (Role.SYSTEM, MARK), (Role.USER, "x"))
    answer = _rendered(tokenizer, (Role.USER, "x"), (Role.ASSISTANT, MARK))
    return TemplateTraits(MARK in system, _token_behind(answer, tokens))


def fold_system(turns: Sequence[ChatMessage]) -> list[ChatMessage]:
    """The turns without system messages: each stands at the head of the next question.

    One before which no question follows becomes a question of its own.
    """
    folded: list[ChatMessage] = []
    for turn in turns:
        before = folded[-1] if folded else None
        if before is None or before.role is not Role.SYSTEM:
            folded.append(turn)
        elif turn.role in (Role.USER, Role.SYSTEM):
            folded[-1] = dataclasses.replace(turn, content=f"{before.content}\n\n{turn.content}")
        else:
            folded[-1] = dataclasses.replace(before, role=Role.USER)
            folded.append(turn)
    if folded and folded[-1].role is Role.SYSTEM:
        folded[-1] = dataclasses.replace(folded[-1], role=Role.USER)
    return folded


def _rendered(tokenizer: PreTrainedTokenizerBase, *turns: tuple[Role, str]) -> str:
    messages = [{"role": role.value, "content": content} for role, content in turns]
    try:
        text: Any = tokenizer.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=False
        )
    except FAULTS:
        return ""
    return str(text)


def _token_behind(text: str, tokens: Mapping[str, int]) -> int | None:
    """The control token directly behind MARK, or behind white space after it."""
    rest = text.rpartition(MARK)[2]
    longest_first = sorted(tokens, key=len, reverse=True)
    words = re.compile(rf"\s*({'|'.join(map(re.escape, longest_first)) or '(?!)'})")
    found = words.match(rest) if MARK in text else None
    return tokens[found[1]] if found else None
