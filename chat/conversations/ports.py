"""What conversations need of a store and of campaigns."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.models import AuditEntry
from chat.conversations.models import (
    AnswerRecord,
    Archive,
    Conversation,
    EffectiveOptions,
    Folder,
    Message,
    Preset,
    PresetText,
    Question,
    SearchHit,
    Turn,
)
from chat.conversations.share_models import SharedCopy, SharedLink
from chat.models import ChatOptions


class ConversationStore(Protocol):
    """Stores conversations. Another user's raises NotFound, as an unknown one does.

    A write is committed when its call returns, also if the caller was cancelled meanwhile.
    """

    async def add_turn(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> Turn:
        """Write a question and its pending answer in one transaction, and make the answer the head.

        `conversation_id` None creates a conversation with these options; otherwise they replace the
        conversation's. A repeated request returns the existing turn. Raises NotFound, BadRequest
        (`beside` is not a question), AnswerRunning (the head is still open).
        """
        ...

    async def add_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str = ""
    ) -> Message:
        """Add a pending answer beside the answer `sibling_id` and make it the head.

        `content` is what it begins with. Raises NotFound, BadRequest (not an answer),
        AnswerRunning.
        """
        ...

    async def add_edited_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str
    ) -> Message:
        """Add a finished answer, of origin EDITED, beside `sibling_id` and make it the head.

        Raises NotFound, BadRequest (not an answer), AnswerRunning.
        """
        ...

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        """Save the text so far of an answer being generated; it is STREAMING from now on."""
        ...

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        """Write the end of an answer. Raises NotFound."""
        ...

    async def set_options(
        self, user_id: str, conversation_id: str, options: ChatOptions
    ) -> None: ...

    async def rename(self, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
        """Replace the title that the user has `seen`. Raises NotFound, RenamedMeanwhile."""
        ...

    async def pin(self, user_id: str, conversation_id: str, pinned: bool) -> None:
        """Raises NotFound."""
        ...

    async def set_archived(self, user_id: str, conversation_id: str, archived: bool) -> None:
        """Move a conversation to the archive, or back to the chats. Raises NotFound."""
        ...

    async def conversation(self, user_id: str, conversation_id: str) -> Conversation: ...

    async def conversations(
        self,
        user_id: str,
        *,
        limit: int = 50,
        offset: int = 0,
        folder: Folder = Folder.CHATS,
    ) -> Sequence[Conversation]:
        """Pinned ones first, then newest first; in the trash the last deleted first."""
        ...

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        """Conversations with all these words in one message or in the title, newest first.

        Archived ones too, deleted ones not.
        Chinese is matched by character, the last word as a prefix. Text without a letter or digit
        matches nothing.
        """
        ...

    async def path(self, user_id: str, conversation_id: str) -> Sequence[Message]:
        """The messages from the root to the head, in order, without deleted ones."""
        ...

    async def set_head(self, user_id: str, conversation_id: str, message_id: str) -> None:
        """Show the path that ends there. Raises NotFound, also for a deleted message."""
        ...

    async def delete_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        """Hide these messages and show the path that ends at `head_id`. Raises NotFound."""
        ...

    async def restore_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        """Undo `delete_messages`. Raises NotFound when one of them has been purged."""
        ...

    async def delete(self, user_id: str, conversation_id: str) -> None:
        """Move a conversation to the trash, which hides it from other queries. Raises NotFound.

        Only `save_text` and `finish_answer` still reach it: `restore` then gives it back whole.
        """
        ...

    async def restore(self, user_id: str, conversation_id: str) -> None:
        """Undo `delete`. Raises NotFound when it has been purged."""
        ...

    async def purge_messages(self, before: datetime) -> int:
        """Purge the text of messages deleted `before`; return their number.

        A purged message stays in the tree, because it may have children.
        """
        ...

    async def purge_deleted(self, before: datetime) -> int:
        """`purge_messages`, and destroy conversations deleted `before`; the count of both."""
        ...

    async def destroy_deleted(self, user_id: str, conversation_id: str | None = None) -> int:
        """Destroy one conversation of the trash, or (None) all; return the number.

        Raises NotFound for one that is not in the trash.
        """
        ...

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        """A conversation with all its branches, without deleted messages. Raises NotFound."""
        ...

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        """Add these conversations under new ids, all in one transaction, as their owner's.

        Times, titles, order and branches are kept; an answer still open becomes INTERRUPTED.
        """
        ...


class ShareStore(Protocol):
    """Stores links to copies of conversations, which are destroyed with their conversation."""

    async def add_share(
        self, token_hash: str, share: SharedLink, copy: SharedCopy, audit_entry: AuditEntry
    ) -> None:
        """Raises NotFound unless the conversation is its owner's and not in the trash."""
        ...

    async def shares(self, owner_id: str, at: datetime) -> Sequence[SharedLink]:
        """The user's links that are valid at that time, newest first."""
        ...

    async def shared_copy(self, token_hash: str, at: datetime) -> tuple[SharedLink, SharedCopy]:
        """Raises NotFound, also when it has expired, its conversation is in the trash, or its
        owner is disabled.
        """
        ...

    async def revoke_share(self, owner_id: str, share_id: str, audit_entry: AuditEntry) -> None:
        """Destroy the link and its copy. Raises NotFound."""
        ...

    async def purge_shares(self, before: datetime) -> int:
        """Destroy links that expired `before`; return their number."""
        ...


class PresetStore(Protocol):
    """Stores presets with all versions. One that the user may not use raises NotFound."""

    async def presets(self, user_id: str) -> Sequence[Preset]:
        """The newest version of each preset that the user may use: shipped, own, shared."""
        ...

    async def preset(self, user_id: str, preset_id: str, version: int | None = None) -> Preset:
        """One version, also of a deleted preset; None is the newest. Raises NotFound."""
        ...

    async def add_preset(self, user_id: str, text: PresetText) -> Preset: ...

    async def revise_preset(self, user_id: str, preset_id: str, text: PresetText) -> Preset:
        """Add a version to one's own preset; the same text adds none. Raises NotFound."""
        ...

    async def share_preset(self, user_id: str, preset_id: str, shared: bool) -> None:
        """Share one's own preset with all users, or end that. Raises NotFound."""
        ...

    async def delete_preset(self, user_id: str, preset_id: str) -> None:
        """Take one's own preset off the list; its versions stay. Raises NotFound."""
        ...

    async def ship_presets(self, shipped: Mapping[str, PresetText]) -> None:
        """Update the shipped presets, by id, to these texts; others are removed from the list."""
        ...


class ConcealmentPolicy(Protocol):
    """Decides whether a user may know what answered. Campaigns implement it."""

    async def conceals(self, campaign_id: str) -> bool:
        """Whether models and settings are kept from the testers of a campaign. Raises NotFound."""
        ...


class EnrolmentPolicy(ConcealmentPolicy, Protocol):
    """Decides whether a user may ask, and with which options. Campaigns implement it."""

    async def enrol(
        self, user_id: str, options: ChatOptions, *, campaign_id: str | None, variant: int | None
    ) -> EffectiveOptions:
        """The options for a question. `options` are used outside campaigns only.

        `campaign_id` is that of the conversation: empty outside campaigns; None for a new
        conversation, which belongs to a guest's own campaign. `variant` selects one of the variants
        of a blind comparison. Raises NotFound and what the campaign refuses.
        """
        ...


class Store(ConversationStore, PresetStore, Protocol):
    """The store as a whole."""

    async def open(self) -> None:
        """Bring the schema up to date. Raises StartupError."""
        ...

    async def close(self) -> None: ...

    async def interrupt_unfinished(self) -> int:
        """Mark every pending or streaming message as interrupted; return their number.

        For start-up only, when no job can be running.
        """
        ...
