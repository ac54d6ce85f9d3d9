"""What the domain needs of an engine."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from chat.models import ChatMessage, Prompt, Sampling
from chat.serving.models import Delta, EngineInfo, EngineState
from chat.tools import NO_EXTRAS, EngineLoad, Extras, Tool


class Engine(Protocol):
    """Writes answers. All members are used from the event loop's thread."""

    @property
    def info(self) -> EngineInfo | None:
        """What is serving; None until it is known."""
        ...

    @property
    def state(self) -> EngineState:
        """How the engine is, right now. Cheap: asked several times a second."""
        ...

    async def start(self) -> None:
        """Load the model. Returns when ready; on failure the state is DEAD, the error raised."""
        ...

    async def stop(self) -> None:
        """End every running answer and free everything. Safe to call twice, or before start."""
        ...

    async def count_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """Length in tokens of the prompt these messages make, template included.

        Raises EngineNotReady, and BadRequest when there is nothing but the assistant's own words.
        """
        ...

    async def tokenize(self, prompt: Prompt, tools: Sequence[Tool] = ()) -> Sequence[int]:
        """The token ids of a prompt as `generate` would read it.

        Raises EngineNotReady and BadRequest as `count_tokens` does.
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
        self, prompt: Prompt, sampling: Sampling, *, salt: str = "", extras: Extras = NO_EXTRAS
    ) -> AsyncGenerator[Delta, None]:
        """Write one answer: text as it comes, then exactly one delta with finish, usage and timing.

        Messages that end with the assistant's ask for more of that text: deltas hold what is new.
        An answer of a given shape that ends with STOP is valid JSON of that shape. One that calls
        tools ends with TOOL_CALLS; only broken calls may not fit their schema.
        What was read of a prompt is reused only for requests with the same `salt`; the answer is
        the same with any.

        Closing the generator, or cancelling the task that reads it, ends the request within one
        step. Raises EngineNotReady, PromptTooLong, BadSchema, EngineFailed and its kinds.
        """
        ...
