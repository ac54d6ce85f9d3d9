"""Turns of a conversation: send, edit a question, retry, continue, stop; and the context usage.

Owns the order of the steps: what can be refused is refused before anything is stored, so that the
page keeps a refused text in its box. Knows no screen, no SQL, no model.
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from chat.accounts.models import Account
from chat.conversations.attachments import check_attachments, with_attachments
from chat.conversations.context_usage import ContextMeter, ContextUsage, UsageInput
from chat.conversations.context_window import ContextWindow, fit
from chat.conversations.errors import PlacesNeeded, PromptConcealed, PromptLost
from chat.conversations.jobs import Job, Jobs, JobSpec
from chat.conversations.models import (
    TEMPORARY,
    Attachment,
    EffectiveOptions,
    Message,
    Question,
    Turn,
)
from chat.conversations.ports import ConversationStore, EnrolmentPolicy
from chat.conversations.prompt import as_prompt, partial_message, prompt_from
from chat.conversations.tree import Tree
from chat.conversations.validation import check_options, check_question, title_of
from chat.errors import BadRequest
from chat.models import ChatMessage, ChatOptions, Role, Status
from chat.serving.engines import Engines, name_of, serving
from chat.serving.models import EngineInfo
from chat.serving.ports import Engine
from chat.serving.provenance import prompt_sha256
from chat.serving.request import GenerationSlot, seeded
from chat.validation import check_text


@dataclass(frozen=True, slots=True)
class PreparedTurn:
    """A question that passed every check: its conversation, options, prompt and engine.

    A `conversation_id` of None begins a conversation. `account` is who asks, where it was read.
    `concealed`: who asks may not know how fast the answer is written.
    """

    conversation_id: str | None
    question: Question
    options: ChatOptions
    window: ContextWindow
    engine: Engine
    account: Account | None = None
    concealed: bool = False


class Turns:
    """The service behind the composer. Calls raise NotFound for what another user owns.

    `address` is the client's network address, empty when it is not counted. With an `enrolment`, a
    question in a campaign is asked with that campaign's settings; its refusals are raised too.
    """

    def __init__(
        self,
        *,
        engines: Engines,
        store: ConversationStore,
        jobs: Jobs,
        keep_turns: int | None = None,
        enrolment: EnrolmentPolicy | None = None,
    ) -> None:
        self._engines = engines
        self._store = store
        self._jobs = jobs
        self._keep_turns = keep_turns
        self._enrolment = enrolment
        self._meter = ContextMeter()

    async def send(
        self,
        user_id: str,
        *,
        conversation_id: str | None,
        question: Question,
        options: ChatOptions,
        address: str = "",
        variant: int | None = None,
    ) -> Job:
        """Store a question and start its answer; a request that came before gives its answer.

        `conversation_id` None begins a conversation. With `question.beside` it is a new version of
        that question. `variant` is the variant of a comparison that answers.

        Raises BadRequest kinds, NotFound, QuotaExceeded kinds, TooManyWaiting, Busy,
        EngineNotReady; then nothing was stored.
        """
        check_question(question.text)
        check_attachments(question.text, question.attachments)
        check_options(options)
        if running := self._jobs.find_request(user_id, question.request_id):
            return running
        with self._jobs.exclusive(user_id, conversation_id):
            prepared = await self._prepare(user_id, conversation_id, question, options, variant)
            with ExitStack() as undo:
                slot = await self._jobs.enter(user_id, address, undo, prepared.account)
                turn = await self._store.add_turn(
                    user_id,
                    conversation_id=conversation_id,
                    question=prepared.question,
                    options=prepared.options,
                )
                if begun := self._begun(user_id, turn):
                    return begun
                undo.pop_all()
                return self._start(user_id, prepared, turn, slot)

    async def send_together(
        self,
        user_id: str,
        requests: Sequence[tuple[str | None, Question, int]],
        write: Callable[[Sequence[PreparedTurn]], Awaitable[Sequence[Turn]]],
        *,
        address: str = "",
    ) -> Sequence[Job]:
        """Ask several variants of a campaign at once: all answers are started, or none is.

        Each of `requests` has the conversation (None begins one), the question and the variant.
        They start in this order. `write` stores them all or none, and returns their turns.

        Raises what `send` and `write` raise, and PlacesNeeded for a user who may not run so many
        requests at once; then nothing was stored.
        """
        with ExitStack() as changes, ExitStack() as undo:
            for conversation_id, question, _ in requests:
                check_question(question.text)
                changes.enter_context(self._jobs.exclusive(user_id, conversation_id))
            ready = [
                await self._prepare(user_id, conversation_id, question, ChatOptions(), variant)
                for conversation_id, question, variant in requests
            ]
            slots = [
                await self._jobs.enter(user_id, address, undo, prepared.account)
                for prepared in ready
            ]
            if any(slot.reservation.allowance.running < len(ready) for slot in slots):
                raise PlacesNeeded(count=len(ready))
            turns = await write(ready)
            if all(begun := [self._begun(user_id, turn) for turn in turns]):
                return [job for job in begun if job]
            undo.pop_all()
            return [
                self._start(user_id, prepared, turn, slot)
                for prepared, turn, slot in zip(ready, turns, slots, strict=True)
            ]

    async def retry(
        self, user_id: str, *, conversation_id: str, message_id: str, address: str = ""
    ) -> Job:
        """Generate another answer beside the answer `message_id`, with the conversation's options.

        Raises NotFound, BadRequest, AnswerRunning, QuotaExceeded kinds, TooManyWaiting, Busy,
        EngineNotReady, StoreFailed.
        """
        return await self._beside(user_id, conversation_id, message_id, address, continued=False)

    async def go_on(
        self, user_id: str, *, conversation_id: str, message_id: str, address: str = ""
    ) -> Job:
        """Generate an answer that begins with the text of the answer `message_id` and continues it.

        Raises as `retry` does.
        """
        return await self._beside(user_id, conversation_id, message_id, address, continued=True)

    def stop(self, user_id: str, conversation_id: str) -> None:
        """Stop the answer being generated there, if there is one; its text so far stays."""
        if job := self._jobs.find(user_id, conversation_id):
            job.cancel()

    def writing(self, user_id: str, conversation_id: str) -> Job | None:
        """The answer being generated there, if there is one."""
        return self._jobs.find(user_id, conversation_id)

    def being_answered(self, user_id: str) -> frozenset[str]:
        """Ids of the user's conversations in which an answer is being generated."""
        return self._jobs.conversations_of(user_id)

    async def context_usage(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> ContextUsage:
        """What sending this question would take of the context. Stores nothing.

        Raises MessageTooLong, BadText, BadAttachment, InvalidSetting, NotFound, EngineNotReady.
        """
        check_text(question.text)
        check_attachments(question.text, question.attachments)
        check_options(options)
        enrolled = await self._enrol(user_id, conversation_id, question, options)
        options, engine = enrolled.options, self._engines.named(enrolled.engine)
        info = serving(engine)
        path = await self._before(user_id, conversation_id, question.beside)
        # Messages in mid-path can be deleted and restored below the same head; and the content of
        # the last one grows while it is generated.
        ids = hashlib.sha256(" ".join(message.id for message in path).encode()).digest()
        grown = len(path[-1].content) if path else 0
        return await self._meter.measure(
            engine,
            UsageInput(
                head=(name_of(info), options.system_prompt, ids, grown),
                system_prompt=options.system_prompt,
                history=as_prompt(path),
                draft=_message(question).content,
                limit=info.context_length,
                room=_room(info, options),
                keep_turns=self._keep_turns,
            ),
        )

    async def count_file(self, item: Attachment) -> int:
        """About how many tokens a file costs. Raises EngineNotReady."""
        return (await self._engines.first.prepare(with_attachments("", [item]))).tokens

    async def prompt_of(self, user_id: str, *, conversation_id: str, message_id: str) -> str:
        """The exact prompt that an answer was generated from, control tokens included.

        Raises NotFound, EngineNotReady, PromptLost when it cannot be made again, and
        PromptConcealed where a campaign keeps it from its testers.
        """
        if self._enrolment and not conversation_id.startswith(TEMPORARY):
            campaign_id = (await self._store.conversation(user_id, conversation_id)).campaign_id
            if campaign_id and await self._enrolment.conceals(campaign_id):
                raise PromptConcealed
        path = await self._path_to(user_id, conversation_id, message_id)
        provenance, messages = path[-1].provenance, prompt_from(path)
        if provenance is None or prompt_sha256(messages) != provenance.prompt_sha256:
            raise PromptLost
        return await self._engines.of_model(provenance.model).render_prompt(messages)

    async def _prepare(
        self,
        user_id: str,
        conversation_id: str | None,
        question: Question,
        options: ChatOptions,
        variant: int | None,
    ) -> PreparedTurn:
        """Check and tokenise a question. Raises what `send` raises before it takes a slot."""
        enrolled = await self._enrol(user_id, conversation_id, question, options, variant)
        question = replace(_within(question, enrolled), title=title_of(question.text))
        path = await self._before(user_id, conversation_id, question.beside)
        engine = self._engines.named(enrolled.engine)
        window = await self._fit(engine, enrolled.options, [*as_prompt(path), _message(question)])
        return PreparedTurn(
            conversation_id,
            question,
            enrolled.options,
            window,
            engine,
            enrolled.account,
            enrolled.concealed,
        )

    def _begun(self, user_id: str, turn: Turn) -> Job | None:
        """The answer of a request that was sent before."""
        if turn.answer.status is not Status.PENDING:
            return Job(user_id, turn.answer)
        return self._jobs.find(user_id, turn.conversation.id)

    def _start(self, user_id: str, prepared: PreparedTurn, turn: Turn, slot: GenerationSlot) -> Job:
        spec = JobSpec(
            user_id,
            turn.answer,
            prepared.window,
            _seeded(prepared.options),
            prepared.engine,
            prepared.question.request_id,
            prepared.account,
            prepared.concealed,
        )
        return self._jobs.start(spec, slot)

    async def _beside(
        self, user_id: str, conversation_id: str, message_id: str, address: str, *, continued: bool
    ) -> Job:
        with self._jobs.exclusive(user_id, conversation_id):
            await self._jobs.flush(conversation_id)
            conversation = await self._store.conversation(user_id, conversation_id)
            enrolled = await self._enrolled(user_id, conversation.options, conversation.campaign_id)
            options, engine = enrolled.options, self._engines.named(enrolled.engine)
            *before, sibling = await self._path_to(user_id, conversation_id, message_id)
            if sibling.role is not Role.ASSISTANT:
                raise BadRequest("Only an answer can be written again.")
            content = sibling.content if continued else ""
            history = as_prompt(before)
            if content:
                history.append(partial_message(content))
            window = await self._fit(engine, options, history)
            with ExitStack() as undo:
                slot = await self._jobs.enter(user_id, address, undo, enrolled.account)
                answer = await self._store.add_answer(
                    user_id, conversation_id=conversation_id, sibling_id=message_id, content=content
                )
                undo.pop_all()
                spec = JobSpec(
                    user_id,
                    answer,
                    window,
                    _seeded(options),
                    engine,
                    concealed=enrolled.concealed,
                )
                return self._jobs.start(spec, slot)

    async def _enrol(
        self,
        user_id: str,
        conversation_id: str | None,
        question: Question,
        options: ChatOptions,
        variant: int | None = None,
    ) -> EffectiveOptions:
        """The options of a question. A conversation's own campaign overrides the question's."""
        if conversation_id is None or self._enrolment is None:
            return await self._enrolled(user_id, options, question.campaign_id or None, variant)
        conversation = await self._store.conversation(user_id, conversation_id)
        return await self._enrolled(user_id, options, conversation.campaign_id, variant)

    async def _enrolled(
        self,
        user_id: str,
        options: ChatOptions,
        campaign_id: str | None,
        variant: int | None = None,
    ) -> EffectiveOptions:
        if self._enrolment is None:
            return EffectiveOptions(options)
        return await self._enrolment.enrol(
            user_id, options, campaign_id=campaign_id, variant=variant
        )

    async def _before(
        self, user_id: str, conversation_id: str | None, beside: str | None
    ) -> Sequence[Message]:
        """The path above a new question, after any unsaved answer in it has been stored.

        Raises NotFound, StoreFailed.
        """
        if conversation_id is None:
            return ()
        await self._jobs.flush(conversation_id)
        if beside is None:
            return await self._store.path(user_id, conversation_id)
        return (await self._path_to(user_id, conversation_id, beside))[:-1]

    async def _path_to(
        self, user_id: str, conversation_id: str, message_id: str
    ) -> Sequence[Message]:
        archive = await self._store.archive(user_id, conversation_id)
        return Tree(archive.messages).path_to(message_id)

    async def _fit(
        self, engine: Engine, options: ChatOptions, history: Sequence[ChatMessage]
    ) -> ContextWindow:
        """Raises EngineNotReady, PromptTooLong."""
        info = serving(engine)
        return await fit(
            options.system_prompt,
            history,
            prepare=engine.prepare,
            budget=info.context_length - _room(info, options),
            keep_turns=self._keep_turns,
        )


def _message(question: Question) -> ChatMessage:
    return ChatMessage(Role.USER, with_attachments(question.text, question.attachments))


def _within(question: Question, enrolled: EffectiveOptions) -> Question:
    """The question with its campaign; in a campaign no conversation is temporary."""
    campaign_id = enrolled.campaign_id
    temporary = question.temporary and not campaign_id
    return replace(question, campaign_id=campaign_id, temporary=temporary)


def _room(info: EngineInfo, options: ChatOptions) -> int:
    """Tokens kept free for the answer: at most a quarter, so that some history always fits."""
    longest = options.sampling.over(info.defaults).max_new_tokens or info.context_length
    return min(longest, info.context_length // 4)


def _seeded(options: ChatOptions) -> ChatOptions:
    """With a random seed if none is set, so that every stored answer can be reproduced."""
    return replace(options, sampling=seeded(options.sampling))
