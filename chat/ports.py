"""The seams: what the domain needs of an engine and of a store, and nothing more."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from chat.types import (
    AnswerRecord,
    ChatMessage,
    ChatOptions,
    Conversation,
    Delta,
    EngineInfo,
    EngineState,
    Message,
    Sampling,
    Turn,
)


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

        Raises EngineNotReady.
        """
        ...

    def generate(
        self, messages: Sequence[ChatMessage], sampling: Sampling
    ) -> AsyncGenerator[Delta, None]:
        """Write one answer: text as it comes, then exactly one delta with finish, usage and timing.

        Closing the generator, or cancelling the task that reads it, ends the request within one
        step. Raises EngineNotReady, PromptTooLong, EngineFailed and its kinds.
        """
        ...


class Store(Protocol):
    """Keeps conversations. Every query takes the user; not-yours raises NotFound like not-there.

    A call that returned is on disk, also when the caller was cancelled while it waited.
    """

    async def open(self) -> None:
        """Bring the schema up to date. Raises StartupError."""
        ...

    async def close(self) -> None: ...

    async def interrupt_unfinished(self) -> int:
        """Mark every message still pending or streaming as interrupted; how many there were.

        For start-up only: whoever wrote them is gone.
        """
        ...

    async def add_turn(
        self,
        user: str,
        *,
        conversation_id: str | None,
        question: str,
        title: str,
        options: ChatOptions,
        request_id: str,
    ) -> Turn:
        """Write a question and its pending answer in one transaction, below the current head.

        `conversation_id` None makes a conversation with that title and those options; otherwise the
        options replace the conversation's. The same `request_id` of the same user gives the turn
        that is already there. Raises NotFound, AnswerRunning (the head is still being written).
        """
        ...

    async def add_answer(self, user: str, *, conversation_id: str, sibling_id: str) -> Message:
        """Add a pending answer beside the answer `sibling_id` and make it the head.

        Raises NotFound, BadRequest (not an answer), AnswerRunning.
        """
        ...

    async def save_text(self, user: str, message_id: str, text: str) -> None:
        """Keep the text so far of an answer being written; it is STREAMING from now on."""
        ...

    async def finish_answer(self, user: str, message_id: str, record: AnswerRecord) -> None:
        """Write the end of an answer. Raises NotFound."""
        ...

    async def set_options(self, user: str, conversation_id: str, options: ChatOptions) -> None: ...

    async def conversation(self, user: str, conversation_id: str) -> Conversation: ...

    async def conversations(
        self, user: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        """Newest first."""
        ...

    async def path(self, user: str, conversation_id: str) -> Sequence[Message]:
        """The messages from the root to the head, in order."""
        ...

    async def clear(self, user: str, conversation_id: str) -> None:
        """Delete the conversation with all its messages. Raises NotFound."""
        ...
