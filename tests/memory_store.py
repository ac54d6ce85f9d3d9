"""A Store without a database, as simple as its semantics allow."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from itertools import count

from chat.errors import AnswerRunning, BadRequest, BadText, NotFound
from chat.types import (
    AnswerRecord,
    ChatOptions,
    Conversation,
    Message,
    Role,
    Status,
    Turn,
)


def _refuse_bad_text(*texts: str | None) -> None:
    for text in texts:
        if text and ("\0" in text or any("\ud800" <= character <= "\udfff" for character in text)):
            raise BadText


def _refuse_bad_options(options: ChatOptions) -> None:
    _refuse_bad_text(options.system_prompt, *options.sampling.stop)


@dataclass
class MemoryStore:
    """Conversations in dictionaries, which keep the order of what was added."""

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    kept: dict[str, Conversation] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    requests: dict[tuple[str, str], Turn] = field(default_factory=dict)
    ids: "count[int]" = field(default_factory=count)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def interrupt_unfinished(self) -> int:
        unfinished = [message for message in self.messages.values() if message.status.is_open]
        for message in unfinished:
            self._keep(replace(message, status=Status.INTERRUPTED))
        return len(unfinished)

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
        _refuse_bad_text(user, conversation_id, question, title, request_id)
        _refuse_bad_options(options)
        if turn := self.requests.get((user, request_id)):
            return self._as_it_is_now(turn)
        now = self.clock()
        if conversation_id is None:
            conversation = Conversation(self._id(), user, title, options, None, now, now)
        else:
            conversation = replace(self._mine(user, conversation_id), options=options)
        self._refuse_while_answering(conversation)
        asked = self._message(conversation, conversation.head_id, Role.USER, now, question)
        answer = self._message(conversation, asked.id, Role.ASSISTANT, now)
        self._keep(asked)
        conversation = self._add_head(conversation, answer)
        turn = self.requests[user, request_id] = Turn(conversation, asked, answer)
        return turn

    async def add_answer(self, user: str, *, conversation_id: str, sibling_id: str) -> Message:
        _refuse_bad_text(user, conversation_id, sibling_id)
        conversation = self._mine(user, conversation_id)
        sibling = self.messages.get(sibling_id)
        if sibling is None or sibling.conversation_id != conversation_id:
            raise NotFound
        if sibling.role is not Role.ASSISTANT:
            raise BadRequest("Only an answer can be written again.")
        self._refuse_while_answering(conversation)
        answer = self._message(conversation, sibling.parent_id, Role.ASSISTANT, self.clock())
        self._add_head(conversation, answer)
        return answer

    async def save_text(self, user: str, message_id: str, text: str) -> None:
        _refuse_bad_text(user, message_id, text)
        message = self._my_message(user, message_id)
        if message.status.is_open:
            self._keep(replace(message, content=text, status=Status.STREAMING))

    async def finish_answer(self, user: str, message_id: str, record: AnswerRecord) -> None:
        _refuse_bad_text(user, message_id, record.content, record.error_code)
        message = self._my_message(user, message_id)
        if message.status.is_open:
            end = {item.name: getattr(record, item.name) for item in fields(record)}
            self._keep(replace(message, **end))

    async def set_options(self, user: str, conversation_id: str, options: ChatOptions) -> None:
        _refuse_bad_text(user, conversation_id)
        _refuse_bad_options(options)
        mine = self._mine(user, conversation_id)
        self.kept[conversation_id] = replace(mine, options=options)

    async def conversation(self, user: str, conversation_id: str) -> Conversation:
        _refuse_bad_text(user, conversation_id)
        return self._mine(user, conversation_id)

    async def conversations(
        self, user: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        _refuse_bad_text(user)
        mine = [kept for kept in self.kept.values() if kept.owner == user]
        mine.sort(key=lambda conversation: conversation.updated_at, reverse=True)
        return mine[max(offset, 0) :][: max(limit, 0)]

    async def path(self, user: str, conversation_id: str) -> Sequence[Message]:
        _refuse_bad_text(user, conversation_id)
        line: list[Message] = []
        message_id = self._mine(user, conversation_id).head_id
        while message_id is not None:
            line.append(self.messages[message_id])
            message_id = line[-1].parent_id
        return line[::-1]

    async def clear(self, user: str, conversation_id: str) -> None:
        _refuse_bad_text(user, conversation_id)
        self._mine(user, conversation_id)
        del self.kept[conversation_id]
        self.messages = {
            key: message
            for key, message in self.messages.items()
            if message.conversation_id != conversation_id
        }
        self.requests = {
            key: turn
            for key, turn in self.requests.items()
            if turn.conversation.id != conversation_id
        }

    def _id(self) -> str:
        return f"id-{next(self.ids)}"

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message

    def _mine(self, user: str, conversation_id: str) -> Conversation:
        conversation = self.kept.get(conversation_id)
        if conversation is None or conversation.owner != user:
            raise NotFound
        return conversation

    def _my_message(self, user: str, message_id: str) -> Message:
        message = self.messages.get(message_id)
        if message is None:
            raise NotFound
        self._mine(user, message.conversation_id)
        return message

    def _message(
        self,
        conversation: Conversation,
        parent_id: str | None,
        role: Role,
        now: datetime,
        content: str = "",
    ) -> Message:
        status = Status.PENDING if role is Role.ASSISTANT else Status.DONE
        return Message(self._id(), conversation.id, parent_id, role, content, status, now)

    def _add_head(self, conversation: Conversation, head: Message) -> Conversation:
        self._keep(head)
        conversation = replace(conversation, head_id=head.id, updated_at=head.created_at)
        self.kept[conversation.id] = conversation
        return conversation

    def _refuse_while_answering(self, conversation: Conversation) -> None:
        if conversation.head_id and self.messages[conversation.head_id].status.is_open:
            raise AnswerRunning

    def _as_it_is_now(self, turn: Turn) -> Turn:
        return Turn(
            self.kept[turn.conversation.id],
            self.messages[turn.question.id],
            self.messages[turn.answer.id],
        )
