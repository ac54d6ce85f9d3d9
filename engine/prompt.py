"""Messages → token ids by the model's own chat template; control tokens that people type stay text.

Knows nothing of models or batches. Importing it imports transformers: for the engine's thread.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from chat.errors import ModelUnavailable, StartupError
from chat.types import ChatMessage, Role

log = logging.getLogger(__name__)


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder. Raises ModelUnavailable."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except (OSError, ValueError, KeyError) as error:
        log.debug("tokenizer: %s", error)
        raise ModelUnavailable(
            f"The tokenizer in {folder} cannot be read. Run download_model.py again."
        ) from None
    if not tokenizer.is_fast or tokenizer.chat_template is None:
        raise ModelUnavailable(f"The tokenizer in {folder} has no chat template or no fast form.")
    return tokenizer


class ChatPrompt:
    """Renders conversations with one tokenizer. For one thread at a time."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self._tokenizer = tokenizer
        self._control = {
            token_id: token.content for token_id, token in tokenizer.added_tokens_decoder.items()
        }
        # The default set leaves out what is not marked "special", such as <tool_call>.
        tokenizer.chat_control_tokens = list(self._control.values())

    @property
    def backend(self) -> Tokenizer:
        """The tokenizer that turns ids into text."""
        backend: Tokenizer = self._tokenizer.backend_tokenizer
        return backend

    def encode(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The prompt for the assistant's next turn."""
        conversation = [{"role": turn.role.value, "content": turn.content} for turn in messages]
        encoded: Any = self._tokenizer.apply_chat_template(
            conversation, add_generation_prompt=True, sanitize_control_tokens=True
        )
        token_ids: list[int] = encoded["input_ids"]
        return token_ids

    def check(self) -> None:
        """Refuse to serve if typed control tokens can become real ones. Raises StartupError."""
        hostile = " ".join(self._control.values())
        for role in Role:
            if self._control_ids(role, "x") != self._control_ids(role, hostile):
                raise StartupError(
                    "This model's tokenizer lets people forge control tokens in their messages; "
                    "it is not safe to serve. Take another model."
                )

    def _control_ids(self, role: Role, content: str) -> Counter[int]:
        before = [] if role is Role.SYSTEM else [ChatMessage(Role.USER, "x")]
        ids: Iterable[int] = self.encode([*before, ChatMessage(role, content)])
        return Counter(token_id for token_id in ids if token_id in self._control)
