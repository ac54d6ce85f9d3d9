"""The message tree of a conversation: paths, versions and branches.

Pure. Takes all messages of one conversation in the order of creation.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from chat.conversations.models import Message
from chat.errors import NotFound
from chat.models import Role


class Tree:
    """All messages of one conversation, parents before their children."""

    def __init__(self, messages: Iterable[Message]) -> None:
        self._messages = {message.id: message for message in messages}
        self._children: dict[str | None, list[str]] = defaultdict(list)
        for message in self._messages.values():
            self._children[message.parent_id].append(message.id)

    def message(self, message_id: str) -> Message:
        """Raises NotFound."""
        if message_id not in self._messages:
            raise NotFound
        return self._messages[message_id]

    def path_to(self, message_id: str | None) -> list[Message]:
        """The messages from the root to this one, itself included. Raises NotFound."""
        path: list[Message] = []
        while message_id is not None:
            path.append(self.message(message_id))
            message_id = path[-1].parent_id
        return path[::-1]

    def versions(self, message_id: str) -> Sequence[str]:
        """The ids of a message and of its siblings of the same role, in the order of creation."""
        message = self.message(message_id)
        return [
            sibling
            for sibling in self._children[message.parent_id]
            if self._messages[sibling].role is message.role
        ]

    def newest_end(self, message_id: str) -> str:
        """The leaf below a message, following the newest child at each level."""
        while below := self._children.get(message_id):
            message_id = below[-1]
        return message_id

    def branch(self, message_id: str) -> list[str]:
        """The ids of a message and of all its descendants."""
        ids = [self.message(message_id).id]
        for branch_id in ids:  # the list grows during iteration
            ids += self._children.get(branch_id, ())
        return ids

    def turn(self, message_id: str) -> list[str]:
        """The ids of a question and of all answers to it; `message_id` is either of them."""
        message = self.message(message_id)
        if message.role is Role.ASSISTANT and message.parent_id is not None:
            message = self.message(message.parent_id)
        answers = [
            child
            for child in self._children.get(message.id, ())
            if self._messages[child].role is Role.ASSISTANT
        ]
        return [message.id, *answers]

    def end_without(self, head_id: str | None, removed: Iterable[str]) -> str | None:
        """The head to show when the messages `removed` are deleted.

        The same head if it stays; else the leaf of a remaining version of the first removed
        message; else the last remaining message of the path.
        """
        removed_ids = set(removed)
        path = self.path_to(head_id)
        if path and path[-1].id not in removed_ids:
            return head_id
        remaining = [message for message in path if message.id not in removed_ids]
        first = next((message for message in path if message.id in removed_ids), None)
        if first is not None:
            beside = [item for item in self.versions(first.id) if item not in removed_ids]
            if beside:
                return self.newest_end(beside[-1])
        return remaining[-1].id if remaining else None
