"""Links to read-only copies of conversations: made, listed, opened and revoked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

from chat.accounts.access import refuse_guests
from chat.accounts.credentials import new_token, token_hash
from chat.accounts.models import Action, AuditEntry, Clock, User, utc_now
from chat.conversations.errors import (
    AnswerRunning,
    NotShareable,
    ShareTooLarge,
    SharingOff,
    TooManyShares,
)
from chat.conversations.models import Archive, Attachment, Message
from chat.conversations.ports import ConversationStore, ShareStore
from chat.conversations.share_models import SharedCopy, SharedLink
from chat.conversations.tree import Tree
from chat.conversations.validation import MAX_SHARED_CHARACTERS, MAX_SHARES, check_share_days
from chat.errors import NotFound


class Shares:
    """Links to copies. Each user has their own; guests, and so testers, have none."""

    def __init__(
        self,
        conversations: ConversationStore,
        store: ShareStore,
        *,
        enabled: bool = True,
        clock: Clock = utc_now,
    ) -> None:
        self._conversations = conversations
        self._store = store
        self.enabled = enabled
        self._clock = clock

    async def title(self, user: User, conversation_id: str) -> str:
        """The title of a conversation that may be shared. Raises as `share` does."""
        return (await self._shareable(user, conversation_id)).conversation.title

    async def share(
        self,
        user: User,
        conversation_id: str,
        *,
        days: int,
        system_prompt: bool = False,
        files: bool = False,
    ) -> tuple[SharedLink, str]:
        """Copy the displayed path; return the link and its token.

        Raises NotFound (also for guests), SharingOff, AnswerRunning, InvalidSetting, NotShareable,
        ShareTooLarge, TooManyShares.
        """
        check_share_days(days)
        archive = await self._shareable(user, conversation_id)
        copy, now = _copy_of(archive, system_prompt=system_prompt, files=files), self._clock()
        if len(await self._store.shares(user.id, now)) >= MAX_SHARES:
            raise TooManyShares(limit=MAX_SHARES)
        share = SharedLink(
            id=uuid4().hex,
            owner_id=user.id,
            conversation_id=conversation_id,
            title=copy.title,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        token, audit_entry = new_token(), AuditEntry(now, user.id, Action.NEW_SHARE, share.id)
        await self._store.add_share(token_hash(token), share, copy, audit_entry)
        return share, token

    async def list(self, user: User) -> Sequence[SharedLink]:
        """The user's valid links, newest first. Raises NotFound for guests."""
        refuse_guests(user)
        return await self._store.shares(user.id, self._clock())

    async def revoke(self, user: User, share_id: str) -> None:
        """Destroy a link and its copy. Raises NotFound."""
        refuse_guests(user)
        audit_entry = AuditEntry(self._clock(), user.id, Action.REVOKE_SHARE, share_id)
        await self._store.revoke_share(user.id, share_id, audit_entry)

    async def open(self, token: str) -> tuple[SharedLink, SharedCopy]:
        """The copy behind a link, for anybody. Raises NotFound, also where sharing is off."""
        if not self.enabled:
            raise NotFound
        return await self._store.shared_copy(token_hash(token), self._clock())

    async def purge(self) -> int:
        """Destroy expired links and their copies; return their number."""
        return await self._store.purge_shares(self._clock())

    async def _shareable(self, user: User, conversation_id: str) -> Archive:
        refuse_guests(user)
        if not self.enabled:
            raise SharingOff
        archive = await self._conversations.archive(user.id, conversation_id)
        if archive.conversation.campaign_id:
            raise NotShareable
        return archive


def _copy_of(archive: Archive, *, system_prompt: bool, files: bool) -> SharedCopy:
    """Raises AnswerRunning, ShareTooLarge."""
    conversation = archive.conversation
    path = Tree(archive.messages).path_to(conversation.head_id)
    if any(message.status.is_open for message in path):
        raise AnswerRunning
    copy = SharedCopy(
        conversation.title,
        tuple(_bare(message, files=files) for message in path),
        conversation.options.system_prompt if system_prompt else "",
    )
    texts = [
        copy.system_prompt,
        *(message.content for message in copy.messages),
        *(file.text for message in copy.messages for file in message.attachments),
    ]
    if sum(map(len, texts)) > MAX_SHARED_CHARACTERS:
        raise ShareTooLarge(limit=MAX_SHARED_CHARACTERS)
    return copy


def _bare(message: Message, *, files: bool) -> Message:
    """A message without settings, figures and ids of the store."""
    attachments = tuple(
        Attachment(file.name, file.text if files else "") for file in message.attachments
    )
    return replace(
        message,
        id="",
        conversation_id="",
        parent_id="",
        usage=None,
        timing=None,
        provenance=None,
        attachments=attachments,
    )
