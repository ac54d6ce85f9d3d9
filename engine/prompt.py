"""Messages → token ids by the model's own chat template; typed control tokens stay text.

Knows nothing of models or batches. Importing it imports transformers: for the engine's thread.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from chat.calls import Tool
from chat.errors import BadRequest, ModelUnavailable, StartupError
from chat.types import ChatMessage, Prompt, Role

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
        self._plain = _without_added_tokens(self.backend)

    @property
    def backend(self) -> Tokenizer:
        """The tokenizer that turns ids into text."""
        backend: Tokenizer = self._tokenizer.backend_tokenizer
        return backend

    def encode(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> list[int]:
        """The prompt for the assistant's next turn, or for the rest of the turn it ends with.

        Bare text is taken as it is, with nothing around it. Raises BadRequest if there is nothing
        that could be answered.
        """
        if isinstance(prompt, str):
            return self._encode_text(prompt)
        return self._encode_messages(prompt)

    def _encode_text(self, text: str) -> list[int]:
        if not text:
            raise BadRequest("There is nothing to go on with.")
        token_ids: list[int] = self._plain.encode(text).ids
        return token_ids

    def _encode_messages(self, messages: Sequence[ChatMessage]) -> list[int]:
        if messages and messages[-1].role is Role.ASSISTANT:
            # By itself: joined to the template's line end, a text that begins with one would be
            # read as other tokens than those the model wrote.
            written: list[int] = self._plain.encode(messages[-1].content).ids
            return self._encode_turns(messages[:-1]) + written
        return self._encode_turns(messages)

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """The prompt letter by letter, control tokens included. Raises BadRequest."""
        text: str = self.backend.decode(self.encode(messages), skip_special_tokens=False)
        return text

    def check(self) -> None:
        """Refuse to serve if typed control tokens can become real ones. Raises StartupError."""
        if self._control_ids("x") != self._control_ids(" ".join(self._control.values())):
            raise StartupError(
                "This model's tokenizer lets people forge control tokens in their messages; "
                "it is not safe to serve. Take another model."
            )

    def _encode_turns(self, turns: Sequence[ChatMessage]) -> list[int]:
        if not turns:
            raise BadRequest("There is nothing to answer.")
        conversation = [{"role": turn.role.value, "content": turn.content} for turn in turns]
        encoded: Any = self._tokenizer.apply_chat_template(
            conversation, add_generation_prompt=True, sanitize_control_tokens=True
        )
        token_ids: list[int] = encoded["input_ids"]
        return token_ids

    def _control_ids(self, content: str) -> list[int]:
        """The control tokens of a prompt that has `content` wherever people can put it."""
        roles = (Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.USER, Role.ASSISTANT)
        ids = self.encode([ChatMessage(role, content) for role in roles])
        return [token_id for token_id in ids if token_id in self._control]


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """The same rules for plain text, shared with `tokenizer`, and no control token to be found."""
    plain = Tokenizer(tokenizer.model)
    if tokenizer.normalizer:
        plain.normalizer = tokenizer.normalizer
    if tokenizer.pre_tokenizer:
        plain.pre_tokenizer = tokenizer.pre_tokenizer
    return plain
