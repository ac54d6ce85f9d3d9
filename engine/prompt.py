"""Encodes prompts with the model's own chat template; typed control tokens in messages stay text.

Knows nothing of models or batches. Import it in the engine's thread: it imports transformers.
"""

import json
import logging
import re
from collections.abc import Sequence
from itertools import accumulate, zip_longest
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import mark_control_tokens

from chat.errors import BadRequest, ModelUnavailable, StartupError
from chat.models import BarePrompt, ChatMessage, FillInPrompt, Prompt, Role, TokenPrompt
from chat.serving.errors import BadSchema
from chat.serving.models import PreparedPrompt
from chat.tools import Tool, ToolCall
from engine.chat_template import FAULTS, fold_system, inspect_template

log = logging.getLogger(__name__)

MAX_REASON = 200
"""Characters of a template's own message in an error."""
NO_PLACE = "Tools need a conversation; bare text has no place for them."
FILL_IN = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
"""The control tokens around what is before and after a gap, and before what fills it in."""


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder. Raises ModelUnavailable."""
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # noqa: BLE001 - the tokenizers library raises no narrower one
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
        # transformers' default set holds "special" tokens only, and <tool_call> is not one.
        tokenizer.chat_control_tokens = list(self._control.values())
        longest_first = sorted(self._control.values(), key=len, reverse=True)
        self._control_words = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")
        self._plain = _without_added_tokens(self.backend)
        self._traits = inspect_template(tokenizer)

    @property
    def end_ids(self) -> frozenset[int]:
        """The tokens that end an answer, as far as tokenizer and template name them."""
        ids = (self._tokenizer.eos_token_id, self._traits.end_id)
        return frozenset(one for one in ids if one is not None)

    @property
    def vocabulary(self) -> int:
        """The number of tokens that the tokenizer knows."""
        return len(self._tokenizer)

    @property
    def takes_system(self) -> bool:
        """Whether the template renders system messages; else they are joined to questions."""
        return self._traits.takes_system

    @property
    def backend(self) -> Tokenizer:
        """The tokenizer that turns ids into text."""
        backend: Tokenizer = self._tokenizer.backend_tokenizer
        return backend

    def prepare(self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()) -> PreparedPrompt:
        """The prompt's token ids and the end of each message. Raises as `encode` does.

        Bare text is given back as text, whatever it came as.
        """
        if isinstance(prompt, TokenPrompt):
            return self._of_tokens(prompt.token_ids, tools)
        if isinstance(prompt, FillInPrompt):
            prompt = self._filled_in(prompt)
        token_ids = self.encode(prompt, tools)
        turn_ends = () if isinstance(prompt, str) else self._turn_ends(prompt, token_ids)
        return PreparedPrompt(prompt, token_ids, turn_ends)

    def encode(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> list[int]:
        """Token ids of the prompt. A partial assistant message at its end is continued.

        Bare text is encoded without a template, and its control tokens are control tokens: whoever
        sends it writes all that the model reads. Raises BadRequest for an empty prompt, or for
        tools that the model's template does not support; BadSchema.
        """
        if isinstance(prompt, str):
            return self._encode_text(prompt, tools)
        if prompt and prompt[-1].calls:
            raise BadRequest("The last call of a tool has no result yet.")
        if prompt and prompt[-1].partial:
            # Encoded separately: a text that begins with a line end would merge with the template's
            # line end into other tokens than those the model wrote.
            return self._encode_turns(prompt[:-1], tools) + self._encode_plain(prompt[-1].content)
        return self._encode_turns(prompt, tools)

    def render(self, messages: Sequence[ChatMessage]) -> str:
        """The prompt as text, with its control tokens. Raises BadRequest."""
        text: str = self.backend.decode(self.encode(messages), skip_special_tokens=False)
        return text

    def check(self) -> None:
        """Refuse to serve if typed control tokens can become real ones. Raises StartupError."""
        plain = self._control_ids("x")
        if plain[0] is None:
            raise StartupError(
                "This model's chat template renders no question. Take another model."
            )
        if plain != self._control_ids(" ".join(self._control.values())):
            raise StartupError(
                "This model's tokenizer lets people forge control tokens in their messages; "
                "it is not safe to serve. Take another model."
            )

    def _turn_ends(self, messages: Sequence[ChatMessage], token_ids: Sequence[int]) -> list[int]:
        """The number of tokens up to the end of each message; empty if it cannot be determined.

        Qwen's template ends every turn with one token, which message text is never encoded to. It
        adds a system turn if there is none, and joins consecutive tool results into one turn; all
        but the last of those get the position where that turn begins, and so does a system message
        that is joined to a question.
        """
        end_id = self._traits.end_id
        end_id = self._tokenizer.eos_token_id if end_id is None else end_id
        ends = [place for place, token_id in enumerate(token_ids, 1) if token_id == end_id]
        begun = messages[-1].partial  # continued behind the last turn
        closed = messages[:-1] if begun else messages
        ends_turn = [
            not (following and self._joins(message, following))
            for message, following in zip_longest(closed, closed[1:])
        ]
        turns = sum(ends_turn)
        bounds = [0, *ends] if len(ends) == turns else ends
        if len(bounds) != turns + 1:
            return []
        of_messages = [bounds[turn] for turn in accumulate(map(int, ends_turn))]
        return [*of_messages, len(token_ids)] if begun else of_messages

    def _joins(self, message: ChatMessage, following: ChatMessage) -> bool:
        """Whether both messages are rendered as one turn."""
        if message.role is Role.TOOL:
            return following.role is Role.TOOL
        is_folded = message.role is Role.SYSTEM and not self.takes_system
        return is_folded and following.role in (Role.USER, Role.SYSTEM)

    def _encode_text(self, text: str, tools: Sequence[Tool]) -> list[int]:
        if not text:
            raise BadRequest("There is nothing to go on with.")
        if tools:
            raise BadRequest(NO_PLACE)
        token_ids: list[int] = self.backend.encode(text, add_special_tokens=False).ids
        return token_ids

    def _of_tokens(self, token_ids: Sequence[int], tools: Sequence[Tool]) -> PreparedPrompt:
        if any(self.backend.id_to_token(token_id) is None for token_id in set(token_ids)):
            raise BadRequest("The prompt has an id that no token has.", name="prompt")
        if tools:
            raise BadRequest(NO_PLACE)
        text: str = self.backend.decode(list(token_ids), skip_special_tokens=False)
        return PreparedPrompt(text, token_ids)

    def _filled_in(self, prompt: FillInPrompt) -> str:
        if not set(FILL_IN) <= set(self._control.values()):
            raise BadRequest("This model was not made to fill gaps in.", name="suffix")
        before, after, gap = FILL_IN
        return f"{before}{prompt.text}{after}{prompt.suffix}{gap}"

    def _encode_plain(self, text: str) -> list[int]:
        token_ids: list[int] = self._plain.encode(text).ids
        return token_ids

    def _encode_turns(self, turns: Sequence[ChatMessage], tools: Sequence[Tool]) -> list[int]:
        if not turns:
            raise BadRequest("There is nothing to answer.")
        if tools and not self._knows_tools:
            raise BadRequest("This model was not made to use tools.")
        taken = turns if self.takes_system else fold_system(turns)
        try:
            encoded: Any = self._tokenizer.apply_chat_template(
                [self._as_dict(turn) for turn in taken],
                tools=[self._marked_keys(_definition(tool)) for tool in tools] or None,
                add_generation_prompt=True,
                sanitize_control_tokens=True,
            )
        except RecursionError:
            raise BadRequest("The tools or their arguments are nested too deeply.") from None
        except FAULTS as error:  # such as for roles that do not alternate
            reason = " ".join(str(error).split())[:MAX_REASON]
            raise BadRequest(f"This model's template refuses these messages: {reason}") from None
        token_ids: list[int] = encoded["input_ids"]
        return token_ids

    def _as_dict(self, turn: ChatMessage) -> dict[str, Any]:
        """The turn as the dict that chat templates expect."""
        fields: dict[str, Any] = {"role": turn.role.value, "content": turn.content}
        if turn.calls:
            fields["tool_calls"] = [
                {"type": "function", "function": self._marked_keys(_call(call))}
                for call in turn.calls
            ]
        return fields

    def _marked_keys(self, value: Any) -> Any:
        """The same JSON value with control tokens in its keys marked as text.

        transformers' `sanitize_control_tokens` marks them in values only.
        """
        if isinstance(value, dict):
            return {
                mark_control_tokens(key, self._control_words): self._marked_keys(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self._marked_keys(item) for item in value]
        return value

    @property
    def _knows_tools(self) -> bool:
        return "tools" in str(self._tokenizer.chat_template)

    def _control_ids(self, content: str) -> list[list[int] | None]:
        """The control tokens in prompts that contain `content` in every place open to users.

        None for a prompt that the template refuses; the first is a single question.
        """
        shape = json.dumps({content: [content]})
        calls = (ToolCall(content, content, shape), ToolCall(content, content, content))
        tools = [Tool(content, content, shape)] if self._knows_tools else []
        roles = (Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.TOOL, Role.ASSISTANT)
        turns = [ChatMessage(role, content) for role in roles]
        calling = [*turns[:2], ChatMessage(Role.ASSISTANT, content, calls), *turns[3:]]
        begun = [turns[1], ChatMessage(Role.ASSISTANT, content, partial=True)]
        several = (turns[1:2], turns[:2], [*turns[1:3], turns[1]], begun, turns)
        return [
            *(self._control_ids_in(prompt, []) for prompt in several),
            self._control_ids_in(calling, tools),
        ]

    def _control_ids_in(self, prompt: Prompt, tools: Sequence[Tool]) -> list[int] | None:
        try:
            ids = self.encode(prompt, tools)
        except BadRequest:
            return None
        return [token_id for token_id in ids if token_id in self._control]


def _definition(tool: Tool) -> dict[str, Any]:
    """The tool in the OpenAI API's format, which chat templates expect."""
    function = {"name": tool.name, "description": tool.description}
    try:
        parameters = _read_json(tool.parameters)
    except ValueError:
        parameters = None
    if not isinstance(parameters, dict):
        raise BadSchema(where=tool.name, why="the parameters are no JSON object")
    return {"type": "function", "function": {**function, "parameters": parameters}}


def _call(call: ToolCall) -> dict[str, Any]:
    """The call as a dict; arguments that are not JSON are passed as text."""
    try:
        arguments = _read_json(call.arguments)
    except ValueError:
        arguments = call.arguments
    return {"name": call.name, "arguments": arguments}


def _read_json(text: str) -> Any:
    """Raises ValueError, also for nesting beyond Python's limit and for lone surrogates."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value


def _without_added_tokens(tokenizer: Tokenizer) -> Tokenizer:
    """A tokenizer with the same model and rules, but without control tokens."""
    plain = Tokenizer(tokenizer.model)
    if tokenizer.normalizer:
        plain.normalizer = tokenizer.normalizer
    if tokenizer.pre_tokenizer:
        plain.pre_tokenizer = tokenizer.pre_tokenizer
    return plain
