"""What the domain needs of an engine."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from chat.models import BarePrompt, ChatMessage, Prompt, Sampling
from chat.serving.models import Delta, EngineInfo, EngineState, PreparedPrompt
from chat.tools import NO_EXTRAS, EngineLoad, Extras, Tool


class Engine(Protocol):
    """Writes answers. All members are used from the event loop's thread."""

    @property
    def info(self) -> EngineInfo | None:
        """What is serving; None until it is known."""
        ...

    @property
    def state(self) -> EngineState:
        """The current state. Cheap: called several times a second."""
        ...

    async def start(self) -> None:
        """Load the model. Returns when ready; on failure the state is DEAD, the error raised."""
        ...

    async def stop(self) -> None:
        """End every running answer and free everything. Safe to call twice, or before start."""
        ...

    async def prepare(
        self, prompt: Prompt | BarePrompt, tools: Sequence[Tool] = ()
    ) -> PreparedPrompt:
        """Tokenise a prompt, chat template and tools included: the input of `generate`.

        In messages typed control tokens are read as text; in bare text they are control tokens.
        Raises EngineNotReady, BadSchema, and BadRequest when there is nothing to answer, the model
        knows no tools or no gaps to fill in, or there is no such token id.
        """
        ...

    async def render_prompt(self, messages: Sequence[ChatMessage]) -> str:
        """The prompt these messages make, letter by letter as the model sees it.

        Raises EngineNotReady.
        """
        ...

    @property
    def load(self) -> EngineLoad:
        """How busy the engine is. Cheap."""
        ...

    def generate(
        self,
        prompt: PreparedPrompt,
        sampling: Sampling,
        *,
        salt: str = "",
        extras: Extras = NO_EXTRAS,
    ) -> AsyncGenerator[Delta, None]:
        """Generate one answer: text as it comes, then exactly one delta with finish and usage.

        `prompt` was prepared by this engine with `extras.tools`. A partial assistant message at its
        end is continued: deltas hold only what is new. An answer of a given shape that ends with
        STOP is valid JSON of that shape, or calls. One that calls tools ends with TOOL_CALLS; where
        calls are required, and of strict tools, only broken calls may violate their schema. Stop
        strings do not match in calls, nor in an answer of a given shape. Prefix cache entries are
        shared only between requests with the same `salt`; the answer does not depend on it.

        After each step every other request gets an empty delta, at least once a second: silence
        means a hung step. Closing the generator, or cancelling the task that reads it, ends the
        request within one step. Raises EngineNotReady, EngineStalled at once while a step hangs,
        PromptTooLong, BadSchema, BadRequest for a bias of no token, EngineFailed and its kinds.
        """
        ...
