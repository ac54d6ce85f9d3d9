"""What is kept, made into something else: an archive into a new conversation, words into none."""

from collections.abc import Callable
from dataclasses import replace

from chat.conversations.models import Archive, Conversation, Folder, Message
from chat.errors import BadRequest
from chat.models import Status


def renewed(archive: Archive, owner_id: str, new_id: Callable[[], str]) -> Archive:
    """The same conversation under new ids, as this owner's, with nothing still to be written.

    It belongs to no campaign: an imported conversation was not held in one.

    Raises BadRequest unless parents come before their children.
    """
    conversation_id = new_id()
    ids: dict[str, str] = {}
    messages = []
    for message in archive.messages:
        if message.parent_id is not None and message.parent_id not in ids:
            raise BadRequest("A message of the archive comes before its parent.")
        ids[message.id] = new_id()
        messages.append(
            replace(
                _ended(message),
                id=ids[message.id],
                conversation_id=conversation_id,
                parent_id=ids.get(message.parent_id or ""),
            )
        )
    conversation = replace(
        archive.conversation,
        id=conversation_id,
        owner_id=owner_id,
        head_id=ids.get(archive.conversation.head_id or ""),
        campaign_id="",
    )
    return Archive(conversation, tuple(messages))


def is_in(conversation: Conversation, folder: Folder) -> bool:
    """Whether that folder lists the conversation."""
    if conversation.deleted_at or folder is Folder.TRASH:
        return bool(conversation.deleted_at) and folder is Folder.TRASH
    return folder is Folder.KEPT or conversation.archived == (folder is Folder.ARCHIVE)


def without_words(message: Message) -> Message:
    """What is left of a purged message: its place in the tree."""
    return Message(
        message.id,
        message.conversation_id,
        message.parent_id,
        message.role,
        content="",
        status=Status.INTERRUPTED if message.status.is_open else message.status,
        created_at=message.created_at,
        origin=message.origin,
    )


def _ended(message: Message) -> Message:
    return replace(message, status=Status.INTERRUPTED) if message.status.is_open else message
