"""Temporary conversations: in memory, lost with the process.

The simplest implementation of the port; a contract suite compares it with the database.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from uuid import uuid4

from chat.conversations.errors import AnswerRunning, RenamedMeanwhile
from chat.conversations.models import (
    TEMPORARY,
    AnswerRecord,
    Archive,
    Conversation,
    Folder,
    Message,
    Origin,
    Question,
    SearchHit,
    Turn,
)
from chat.errors import BadRequest, NotFound
from chat.models import ChatOptions, Role, Status
from store.conversations.copies import renewed, without_words
from store.conversations.memory_rows import MemoryRows
from store.schema.columns import refuse_bad_text
from store.search_words import has_all, hit, words_of

MOST_CONVERSATIONS = 500


@dataclass
class TemporaryStore(MemoryRows):
    """`chat.conversations.ports.ConversationStore` in dictionaries, which keep insertion order.

    Holds at most `most_conversations` of all users together; the least recently used one is
    dropped first.
    """

    most_conversations: int = MOST_CONVERSATIONS
    requests: dict[tuple[str, str], str] = field(default_factory=dict)
    prefix: str = TEMPORARY

    async def interrupt_unfinished(self) -> int:
        unfinished = [message for message in self.messages.values() if message.status.is_open]
        for message in unfinished:
            self._keep(replace(message, status=Status.INTERRUPTED))
        return len(unfinished)

    # --- turns and answers --------------------------------------------------------------------

    async def add_turn(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> Turn:
        refuse_bad_text(user_id, conversation_id, question, options)
        existing = None if conversation_id is None else self._mine(user_id, conversation_id)
        if question_id := self.requests.get((user_id, question.request_id)):
            return self._turn_of(user_id, question_id)
        now = self.clock()
        if existing is not None:
            conversation = replace(existing, options=options)
            self._refuse_while_answering(conversation)
        else:
            conversation = Conversation(
                self._new_id(),
                user_id,
                question.title,
                options,
                None,
                now,
                now,
                campaign_id=question.campaign_id,
            )
        parent_id = self._place_of(conversation, question)
        question_message = Message(
            self._new_id(),
            conversation.id,
            parent_id,
            Role.USER,
            question.text,
            Status.DONE,
            now,
            attachments=question.attachments,
        )
        self._make_room_for(conversation)
        self._keep(question_message)
        self.requests[user_id, question.request_id] = question_message.id
        answer = self._answer(conversation, question_message.id, now=now)
        return Turn(self.stored[conversation.id], question_message, answer)

    async def add_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str = ""
    ) -> Message:
        refuse_bad_text(user_id, conversation_id, sibling_id, content)
        conversation, sibling = self._answered(user_id, conversation_id, sibling_id)
        return self._answer(conversation, sibling.parent_id, now=self.clock(), content=content)

    async def add_edited_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str
    ) -> Message:
        refuse_bad_text(user_id, conversation_id, sibling_id, content)
        conversation, sibling = self._answered(user_id, conversation_id, sibling_id)
        return self._answer(
            conversation,
            sibling.parent_id,
            now=self.clock(),
            content=content,
            status=Status.DONE,
            origin=Origin.EDITED,
        )

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        refuse_bad_text(user_id, message_id, text)
        self._change_open(user_id, message_id, content=text, status=Status.STREAMING)

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        refuse_bad_text(user_id, message_id, record)
        end = {item.name: getattr(record, item.name) for item in fields(record)}
        self._change_open(user_id, message_id, **end)

    # --- one conversation ---------------------------------------------------------------------

    async def set_options(self, user_id: str, conversation_id: str, options: ChatOptions) -> None:
        refuse_bad_text(user_id, conversation_id, options)
        self.stored[conversation_id] = replace(
            self._mine(user_id, conversation_id), options=options
        )

    async def rename(self, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
        refuse_bad_text(user_id, conversation_id, title, seen)
        mine = self._mine(user_id, conversation_id)
        if mine.title not in (seen, title):
            raise RenamedMeanwhile(title=mine.title)
        self.stored[conversation_id] = replace(mine, title=title)

    async def pin(self, user_id: str, conversation_id: str, pinned: bool) -> None:
        refuse_bad_text(user_id, conversation_id)
        self.stored[conversation_id] = replace(self._mine(user_id, conversation_id), pinned=pinned)

    async def set_archived(self, user_id: str, conversation_id: str, archived: bool) -> None:
        refuse_bad_text(user_id, conversation_id)
        mine = self._mine(user_id, conversation_id)
        self.stored[conversation_id] = replace(mine, archived=archived)

    async def conversation(self, user_id: str, conversation_id: str) -> Conversation:
        refuse_bad_text(user_id, conversation_id)
        return self._mine(user_id, conversation_id)

    async def path(self, user_id: str, conversation_id: str) -> Sequence[Message]:
        refuse_bad_text(user_id, conversation_id)
        line: list[Message] = []
        message_id = self._mine(user_id, conversation_id).head_id
        while message_id is not None:
            message = self.messages[message_id]
            line += [message] if message_id not in self.deleted else []
            message_id = message.parent_id
        return line[::-1]

    async def set_head(self, user_id: str, conversation_id: str, message_id: str) -> None:
        refuse_bad_text(user_id, conversation_id, message_id)
        self._show(self._mine(user_id, conversation_id), message_id)

    async def delete_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        refuse_bad_text(user_id, conversation_id, [*ids], head_id)
        conversation = self._with_all(user_id, conversation_id, ids)
        if head_id in ids:
            raise NotFound
        self._show(conversation, head_id)
        self.deleted = dict.fromkeys(ids, self.clock()) | self.deleted

    async def restore_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        refuse_bad_text(user_id, conversation_id, [*ids], head_id)
        conversation = self._with_all(user_id, conversation_id, ids)
        if head_id not in ids:
            self._show(conversation, head_id)
        self.deleted = {key: time for key, time in self.deleted.items() if key not in ids}
        self._show(conversation, head_id)

    async def delete(self, user_id: str, conversation_id: str) -> None:
        refuse_bad_text(user_id, conversation_id)
        self.deleted[self._mine(user_id, conversation_id).id] = self.clock()

    async def restore(self, user_id: str, conversation_id: str) -> None:
        refuse_bad_text(user_id, conversation_id)
        if self._owned(user_id, conversation_id).id in self.deleted:
            del self.deleted[conversation_id]

    async def purge_deleted(self, before: datetime) -> int:
        due = [key for key, time in self.deleted.items() if time < before]
        conversations = [key for key in due if key in self.stored]
        self._forget(conversations)
        return len(conversations) + await self.purge_messages(before)

    async def purge_messages(self, before: datetime) -> int:
        due = [key for key, time in self.deleted.items() if time < before]
        messages = [key for key in due if key in self.messages and key not in self.purged]
        for message_id in messages:
            self._keep(without_words(self.messages[message_id]))
        self.purged.update(messages)
        return len(messages)

    async def destroy_deleted(self, user_id: str, conversation_id: str | None = None) -> int:
        refuse_bad_text(user_id, conversation_id)
        due = [item.id for item in self._all_of(user_id, Folder.TRASH)]
        if conversation_id is not None:
            due = [key for key in due if key == conversation_id]
            if not due:
                raise NotFound
        self._forget(due)
        return len(due)

    def destroy(self, due: Callable[[Conversation], bool]) -> tuple[int, int]:
        """Delete whole conversations; return the counts of conversations and messages."""
        keys, before = (
            [key for key, stored in self.stored.items() if due(stored)],
            len(self.messages),
        )
        self._forget(keys)
        return len(keys), before - len(self.messages)

    # --- all of a user's ----------------------------------------------------------------------

    async def conversations(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]:
        refuse_bad_text(user_id)
        mine = self._all_of(user_id, folder)
        if folder is not Folder.TRASH:
            mine = sorted(mine, key=lambda stored: stored.pinned, reverse=True)
        return mine[max(offset, 0) :][: max(limit, 0)]

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        refuse_bad_text(user_id, words)
        if not (terms := words_of(words)):
            return []
        hits = []
        for stored in self._all_of(user_id, Folder.KEPT):
            found = [m for m in self._closed(stored) if has_all(m.content, terms)]
            if found or has_all(stored.title, terms):
                hits.append(hit(stored, found[-1] if found else None, terms))
        return hits[: max(limit, 0)]

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        refuse_bad_text(user_id, conversation_id)
        conversation = self._mine(user_id, conversation_id)
        living = (m for m in self._messages_of(conversation) if m.id not in self.deleted)
        return Archive(
            conversation,
            tuple(replace(m, parent_id=self._living_ancestor(m.parent_id)) for m in living),
        )

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        refuse_bad_text(user_id, [*archives])
        copies = [renewed(archive, user_id, self._new_id) for archive in archives]
        for copy in copies:
            self._make_room_for(copy.conversation)
            self.stored[copy.conversation.id] = copy.conversation
            for message in copy.messages:
                self._keep(message)
        return [copy.conversation for copy in copies]

    # --- inside -------------------------------------------------------------------------------

    def _show(self, conversation: Conversation, head_id: str | None) -> None:
        if head_id is not None:
            self._living(conversation, head_id)
        self.stored[conversation.id] = replace(conversation, head_id=head_id)

    def _place_of(self, conversation: Conversation, question: Question) -> str | None:
        """The id of the parent message of a question."""
        if question.beside is None:
            return conversation.head_id
        sibling = self._living(conversation, question.beside)
        if sibling.role is not Role.USER:
            raise BadRequest("Only a question can be asked in other words.")
        return sibling.parent_id

    def _answered(
        self, user_id: str, conversation_id: str, sibling_id: str
    ) -> tuple[Conversation, Message]:
        """The conversation and the answer to which a sibling may be added."""
        conversation = self._mine(user_id, conversation_id)
        sibling = self._living(conversation, sibling_id)
        if sibling.role is not Role.ASSISTANT:
            raise BadRequest("Only an answer can be written again.")
        self._refuse_while_answering(conversation)
        return conversation, sibling

    def _answer(
        self,
        conversation: Conversation,
        parent_id: str | None,
        *,
        now: datetime,
        content: str = "",
        status: Status = Status.PENDING,
        origin: Origin = Origin.HERE,
    ) -> Message:
        """Add an answer and make it the head."""
        answer = Message(
            self._new_id(),
            conversation.id,
            parent_id,
            Role.ASSISTANT,
            content,
            status,
            now,
            origin=origin,
        )
        self._keep(answer)
        self.stored[conversation.id] = replace(
            conversation, head_id=answer.id, updated_at=now, archived=False
        )
        return answer

    def _keep(self, message: Message) -> None:
        self.messages[message.id] = message

    def _change_open(self, user_id: str, message_id: str, **change: object) -> None:
        message = self.messages.get(message_id)
        if message is None:
            raise NotFound
        self._owned(user_id, message.conversation_id)
        if message.status.is_open:
            self._keep(replace(message, **change))  # type: ignore[arg-type]  # by field name

    def _is_answering(self, conversation: Conversation) -> bool:
        head = self.messages.get(conversation.head_id or "")
        return head is not None and head.status.is_open

    def _refuse_while_answering(self, conversation: Conversation) -> None:
        if self._is_answering(conversation):
            raise AnswerRunning

    def _turn_of(self, user_id: str, question_id: str) -> Turn:
        """The turn that this request id already created: its question and first answer."""
        question = self.messages[question_id]
        conversation = self._mine(user_id, question.conversation_id)
        self._living(conversation, question_id)
        answers = [m for m in self._messages_of(conversation) if m.parent_id == question_id]
        return Turn(conversation, question, min(answers, key=lambda m: m.id in self.deleted))

    def _make_room_for(self, conversation: Conversation) -> None:
        if conversation.id not in self.stored and len(self.stored) >= self.most_conversations:
            oldest = min(self.stored.values(), key=lambda c: (self._is_answering(c), c.updated_at))
            self._forget([oldest.id])

    def _forget(self, conversation_ids: Collection[str]) -> None:
        removed = {m.id for m in self.messages.values() if m.conversation_id in conversation_ids}
        for key in conversation_ids:
            del self.stored[key]
        for message_id in removed:
            del self.messages[message_id]
        self.purged -= removed
        self.requests = {key: made for key, made in self.requests.items() if made not in removed}
        removed.update(conversation_ids)
        self.deleted = {key: time for key, time in self.deleted.items() if key not in removed}

    def _new_id(self) -> str:
        return f"{self.prefix}{uuid4().hex}"
