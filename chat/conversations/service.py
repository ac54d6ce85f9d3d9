"""Conversations of a user: open, switch versions, edit, delete and restore, list, search.

Nothing is overwritten: deleted messages are hidden first, and destroyed when the time to undo is
over; deleted conversations are in the trash for `TRASH_TIME`. Knows no screen, no SQL, no model.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from chat.conversations.concealment import revealed
from chat.conversations.jobs import Job, Jobs
from chat.conversations.models import (
    TEMPORARY,
    Archive,
    Attachment,
    Conversation,
    Folder,
    Message,
    SearchHit,
)
from chat.conversations.ports import ConcealmentPolicy, ConversationStore
from chat.conversations.tree import Tree
from chat.conversations.validation import check_options, check_question, check_search, check_title
from chat.errors import BadRequest
from chat.models import ChatOptions, Role
from chat.serving.background import BackgroundJobs

UNDO_S = 15.0
"""How long deleted messages can be restored: ten seconds on the page, and some grace."""

TRASH_TIME = timedelta(days=30)
"""How long deleted conversations can be restored."""


@dataclass(frozen=True, slots=True)
class ConversationView:
    """A conversation as the page shows it.

    `versions` has the ids of all siblings, for each message of the path that has any. `job`
    generates the last answer of the path; `elsewhere` is the id of an answer that is being
    generated on another branch.
    """

    conversation: Conversation
    messages: Sequence[Message]
    versions: Mapping[str, Sequence[str]]
    job: Job | None
    elsewhere: str | None = None
    changes: int = 0

    @property
    def version(self) -> "Version":
        """What `Conversations.version` returned when this was opened."""
        found = self.conversation
        written = self.job.message_id if self.job else self.elsewhere
        return Version(found.title, found.options, found.head_id, written, self.changes)


@dataclass(frozen=True, slots=True)
class Version:
    """What can change in another tab: equal versions show the same conversation.

    `changes` counts deletions and restorations since the start, which may not move the head.
    """

    title: str
    options: ChatOptions
    head_id: str | None
    being_written: str | None
    changes: int = 0

    def has_messages_of(self, other: "Version") -> bool:
        """Whether both show the same messages; title and settings may differ."""
        return self == replace(other, title=self.title, options=self.options)


@dataclass(frozen=True, slots=True)
class Removed:
    """Messages deleted from a conversation, and its head before: enough to undo the deletion.

    `question` is the text of the first of them, to be edited and sent again with `attachments`.
    """

    conversation_id: str
    ids: tuple[str, ...]
    head_id: str | None
    question: str = ""
    attachments: tuple[Attachment, ...] = ()


class Conversations:
    """The service behind sidebar and transcript. NotFound for what another user owns."""

    def __init__(
        self,
        *,
        store: ConversationStore,
        jobs: Jobs,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        undo_s: float = UNDO_S,
        background: BackgroundJobs | None = None,
        policy: ConcealmentPolicy | None = None,
    ) -> None:
        self._policy = policy
        self._store = store
        self._jobs = jobs
        self._clock = clock
        self._undo_s = undo_s
        self._background = background or BackgroundJobs()
        self._purges: set[asyncio.Task[None]] = set()
        self._changes: Counter[str] = Counter()

    async def open(self, user_id: str, conversation_id: str) -> ConversationView:
        """Raises NotFound."""
        # The job is read first: an answer that ends in between is then seen twice, not missed.
        job = self._jobs.find(user_id, conversation_id)
        changes = self._changes[conversation_id]
        archive = await self.archive(user_id, conversation_id)
        tree = Tree(archive.messages)
        path = tree.path_to(archive.conversation.head_id)
        every = {message.id: tree.versions(message.id) for message in path}
        versions = {key: ids for key, ids in every.items() if len(ids) > 1}
        elsewhere = None
        if job and (not path or path[-1].id != job.message_id):
            elsewhere, job = job.message_id, None
        return ConversationView(archive.conversation, path, versions, job, elsewhere, changes)

    async def version(self, user_id: str, conversation_id: str) -> Version:
        """To compare with an earlier version. Raises NotFound."""
        job, changes = self._jobs.find(user_id, conversation_id), self._changes[conversation_id]
        found = await self._store.conversation(user_id, conversation_id)
        written = job.message_id if job else None
        return Version(found.title, found.options, found.head_id, written, changes)

    async def show(self, user_id: str, conversation_id: str, message_id: str) -> None:
        """Show the path through this message and on to its newest end. Raises NotFound."""
        tree = Tree((await self._store.archive(user_id, conversation_id)).messages)
        end = tree.newest_end(tree.message(message_id).id)
        await self._store.set_head(user_id, conversation_id, end)

    async def edit_answer(
        self, user_id: str, *, conversation_id: str, message_id: str, text: str
    ) -> Message:
        """Add a version of an answer that a user has written, and show it.

        Raises NotFound, AnswerRunning, BadRequest kinds.
        """
        check_question(text)
        with self._jobs.exclusive(user_id, conversation_id):
            return await self._store.add_edited_answer(
                user_id, conversation_id=conversation_id, sibling_id=message_id, content=text
            )

    async def delete_turn(self, user_id: str, conversation_id: str, message_id: str) -> Removed:
        """Delete a question with its answers; what follows moves up. See `restore_messages`."""
        return await self._remove(user_id, conversation_id, lambda tree: tree.turn(message_id))

    async def delete_branch(self, user_id: str, conversation_id: str, message_id: str) -> Removed:
        """Delete a message with everything below it. See `restore_messages`."""
        return await self._remove(user_id, conversation_id, lambda tree: tree.branch(message_id))

    async def undo_turn(self, user_id: str, conversation_id: str) -> Removed:
        """Delete the last question of the path, with everything below it.

        Raises NotFound, AnswerRunning, BadRequest when there is none.
        """
        path = await self._store.path(user_id, conversation_id)
        last = next((item for item in reversed(path) if item.role is Role.USER), None)
        if last is None:
            raise BadRequest("There is no question here.")
        return await self.delete_branch(user_id, conversation_id, last.id)

    async def restore_messages(self, user_id: str, removed: Removed) -> None:
        """Undo a deletion. Raises NotFound when it is too late, AnswerRunning."""
        with self._jobs.exclusive(user_id, removed.conversation_id):
            await self._store.restore_messages(
                user_id, removed.conversation_id, removed.ids, head_id=removed.head_id
            )
        self._changes[removed.conversation_id] += 1

    async def recent(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]:
        """The user's conversations: pinned ones first, then newest first."""
        return await self._store.conversations(user_id, limit=limit, offset=offset, folder=folder)

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        """The conversations with all these words, newest first. Raises MessageTooLong, BadText."""
        return await self._store.search(user_id, check_search(words), limit=limit)

    async def rename(self, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
        """Replace the title that the user has `seen`.

        Raises NotFound, RenamedMeanwhile, BadRequest kinds.
        """
        await self._store.rename(user_id, conversation_id, title=check_title(title), seen=seen)

    async def pin(self, user_id: str, conversation_id: str, *, pinned: bool) -> None:
        """Keep a conversation at the top of the list, or no longer. Raises NotFound."""
        await self._store.pin(user_id, conversation_id, pinned)

    async def set_archived(self, user_id: str, conversation_id: str, *, archived: bool) -> None:
        """Move a conversation to the archive, or back to the chats. Raises NotFound."""
        await self._store.set_archived(user_id, conversation_id, archived)

    async def delete(self, user_id: str, conversation_id: str) -> None:
        """Move a conversation to the trash; a temporary one is destroyed after the time to undo.

        Stops the answer being generated there. Raises NotFound.
        """
        if job := self._jobs.find(user_id, conversation_id):
            job.cancel()
            async for _ in job.watch():
                pass
        with self._jobs.exclusive(user_id, conversation_id):
            await self._store.delete(user_id, conversation_id)
        if conversation_id.startswith(TEMPORARY):
            self._purge_later()

    async def restore(self, user_id: str, conversation_id: str) -> None:
        """Undo `delete`. Raises NotFound when it is too late."""
        await self._store.restore(user_id, conversation_id)

    async def destroy(self, user_id: str, conversation_id: str) -> None:
        """Destroy a conversation of the trash at once. Raises NotFound if it is not there."""
        await self._store.destroy_deleted(user_id, conversation_id)

    async def empty_trash(self, user_id: str) -> int:
        """Destroy all conversations in the user's trash; return their number."""
        return await self._store.destroy_deleted(user_id)

    async def purge_trash(self) -> int:
        """Destroy what has been in the trash for `TRASH_TIME`; the number of rows."""
        return await self._store.purge_deleted(self._clock() - TRASH_TIME)

    async def set_options(self, user_id: str, conversation_id: str, options: ChatOptions) -> None:
        """Store the options of a conversation. Raises NotFound and BadRequest kinds."""
        await self._store.set_options(user_id, conversation_id, check_options(options))

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        """A conversation with all its branches, without what is kept from testers of a campaign.

        Raises NotFound.
        """
        return await revealed(await self._store.archive(user_id, conversation_id), self._policy)

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        """Import conversations, all or none."""
        return await self._store.add_archives(user_id, archives)

    async def purge(self) -> int:
        """Destroy deleted messages, at start and end of the app; return their number."""
        for task in self._purges:
            task.cancel()
        return await self._store.purge_messages(self._clock() + timedelta(seconds=1))

    async def _remove(
        self, user_id: str, conversation_id: str, choose: Callable[[Tree], Sequence[str]]
    ) -> Removed:
        with self._jobs.exclusive(user_id, conversation_id):
            archive = await self._store.archive(user_id, conversation_id)
            tree, head_id = Tree(archive.messages), archive.conversation.head_id
            ids = choose(tree)
            end = tree.end_without(head_id, ids)
            await self._store.delete_messages(user_id, conversation_id, ids, head_id=end)
        self._changes[conversation_id] += 1
        self._purge_later()
        first = tree.message(ids[0])
        question = first.content if first.role is Role.USER else ""
        return Removed(conversation_id, tuple(ids), head_id, question, first.attachments)

    def _purge_later(self) -> None:
        task = asyncio.create_task(self._purge_when_over())
        self._purges.add(task)
        task.add_done_callback(self._purges.discard)

    async def _purge_when_over(self) -> None:
        deleted_at = self._clock()
        await asyncio.sleep(self._undo_s)
        await self._background.retry_until_success(
            "purge", partial(self._store.purge_messages, deleted_at)
        )
