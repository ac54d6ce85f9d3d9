"""What a person does with conversations: send, retry, stop, open, list, clear.

Owns the order of the steps: everything that can be refused is refused before anything is written,
so that a refused text is still in the box. Knows no screen, no SQL, no model.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from chat.checks import check_options, check_question, title_of
from chat.errors import AnswerRunning, ConversationMoved, EngineNotReady, NotFound
from chat.jobs import Job, Jobs, Work
from chat.ports import Engine, Store
from chat.types import (
    ChatMessage,
    ChatOptions,
    Conversation,
    Message,
    Phase,
    Role,
    Sampling,
    Status,
)
from chat.window import Window, fit

SEEDS = 2**31


@dataclass(frozen=True, slots=True)
class Opened:
    """A conversation as it is shown: its path, and the job if an answer is being written."""

    conversation: Conversation
    messages: Sequence[Message]
    job: Job | None


class Conversations:
    """The service behind the page. Every call takes the user; not-yours is NotFound."""

    def __init__(
        self, *, engine: Engine, store: Store, jobs: Jobs, keep_turns: int | None = None
    ) -> None:
        self._engine = engine
        self._store = store
        self._jobs = jobs
        self._keep_turns = keep_turns
        self._starting: set[str] = set()

    async def send(
        self,
        user: str,
        *,
        conversation_id: str | None,
        text: str,
        options: ChatOptions,
        request_id: str,
    ) -> Job:
        """Store a question and start its answer; a repeated `request_id` gives the same answer.

        `conversation_id` None begins a conversation. Raises BadRequest kinds, NotFound, Busy,
        EngineNotReady; then nothing was written.
        """
        check_question(text)
        check_options(options)
        if running := self._jobs.find_request(user, request_id):
            return running
        with self._alone_in(conversation_id):
            path = await self._path(user, conversation_id) if conversation_id else ()
            self._refuse_if_answering(user, conversation_id)
            window = await self._fit(options, [*_as_prompt(path), ChatMessage(Role.USER, text)])
            with ExitStack() as undo:
                ticket = self._jobs.enter(user)
                undo.callback(ticket.give_back)
                turn = await self._store.add_turn(
                    user,
                    conversation_id=conversation_id,
                    question=text,
                    title=title_of(text),
                    options=options,
                    request_id=request_id,
                )
                if turn.answer.status is not Status.PENDING:
                    return Job.of_finished(user, turn.answer)
                if running := self._jobs.find(user, turn.conversation.id):
                    return running
                undo.pop_all()
                work = Work(user, turn.answer, window, _seeded(options.sampling), request_id)
                return self._jobs.start(work, ticket)

    async def retry(self, user: str, *, conversation_id: str, message_id: str) -> Job:
        """Write another answer beside the last one, `message_id`, with the conversation's options.

        Raises NotFound, ConversationMoved, BadRequest, Busy, EngineNotReady, StoreFailed.
        """
        with self._alone_in(conversation_id):
            conversation = await self._store.conversation(user, conversation_id)
            path = await self._path(user, conversation_id)
            self._refuse_if_answering(user, conversation_id)
            if message_id not in {message.id for message in path}:
                raise NotFound
            if path[-1].id != message_id:
                # A sibling of an older answer would take the turns below it off the path.
                raise ConversationMoved
            window = await self._fit(conversation.options, _as_prompt(path[:-1]))
            with ExitStack() as undo:
                ticket = self._jobs.enter(user)
                undo.callback(ticket.give_back)
                answer = await self._store.add_answer(
                    user, conversation_id=conversation_id, sibling_id=message_id
                )
                undo.pop_all()
                sampling = _seeded(conversation.options.sampling)
                return self._jobs.start(Work(user, answer, window, sampling), ticket)

    def stop(self, user: str, conversation_id: str) -> None:
        """Stop the answer being written there, if there is one; its text so far stays."""
        if job := self._jobs.find(user, conversation_id):
            job.cancel()

    async def open(self, user: str, conversation_id: str) -> Opened:
        """Raises NotFound."""
        conversation = await self._store.conversation(user, conversation_id)
        # The job first: an answer that ends in between is then seen twice, not missed.
        job = self._jobs.find(user, conversation_id)
        return Opened(conversation, await self._store.path(user, conversation_id), job)

    async def recent(
        self, user: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        """The user's conversations, newest first."""
        return await self._store.conversations(user, limit=limit, offset=offset)

    async def clear(self, user: str, conversation_id: str) -> None:
        """Delete a conversation with all its messages; stops the answer being written there.

        Raises NotFound.
        """
        with self._alone_in(conversation_id):
            if job := self._jobs.find(user, conversation_id):
                job.cancel()
                async for _ in job.watch():
                    pass
            await self._store.clear(user, conversation_id)

    async def set_options(self, user: str, conversation_id: str, options: ChatOptions) -> None:
        """Keep what the person has set. Raises NotFound and BadRequest kinds."""
        await self._store.set_options(user, conversation_id, check_options(options))

    def being_answered(self, user: str) -> frozenset[str]:
        """Ids of the user's conversations in which an answer is being written."""
        return self._jobs.conversations_of(user)

    async def _path(self, user: str, conversation_id: str) -> Sequence[Message]:
        """The path to write below, with what the store still owes it. Raises StoreFailed."""
        await self._jobs.settle(conversation_id)
        return await self._store.path(user, conversation_id)

    async def _fit(self, options: ChatOptions, history: Sequence[ChatMessage]) -> Window:
        info = self._engine.info
        if info is None or self._engine.state.phase is not Phase.READY:
            raise EngineNotReady
        longest = options.sampling.over(info.defaults).max_new_tokens or info.context_length
        # A long answer that is allowed may not push the history out: it gets what is left.
        room = min(longest, info.context_length // 4)
        return await fit(
            options.system_prompt,
            history,
            count_tokens=self._engine.count_tokens,
            budget=info.context_length - room,
            keep_turns=self._keep_turns,
        )

    def _refuse_if_answering(self, user: str, conversation_id: str | None) -> None:
        if conversation_id and self._jobs.find(user, conversation_id):
            raise AnswerRunning

    @contextmanager
    def _alone_in(self, conversation_id: str | None) -> Iterator[None]:
        """Between reading a path and writing below it nobody else may write there."""
        if conversation_id is None:
            yield
            return
        if conversation_id in self._starting:
            raise AnswerRunning
        self._starting.add(conversation_id)
        try:
            yield
        finally:
            self._starting.discard(conversation_id)


def _as_prompt(path: Sequence[Message]) -> list[ChatMessage]:
    """What the model is told of a path; an answer that failed before its first word is left out."""
    return [ChatMessage(message.role, message.content) for message in path if message.content]


def _seeded(sampling: Sampling) -> Sampling:
    """With a seed drawn now if none is set, so that every stored answer can be made again."""
    return (
        sampling if sampling.seed is not None else replace(sampling, seed=secrets.randbelow(SEEDS))
    )
