"""The shape of a conversation: which messages lead to which, and which stand beside each other.

Pure. Knows nothing of stores; is given all messages of one conversation, in the order of writing.
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
        """The ids of a message and of those beside it, in the order of writing."""
        message = self.message(message_id)
        return [
            sibling
            for sibling in self._children[message.parent_id]
            if self._messages[sibling].role is message.role
        ]

    def newest_end(self, message_id: str) -> str:
        """The last message of the path that goes on below, taking the newest version each time."""
        while below := self._children.get(message_id):
            message_id = below[-1]
        return message_id

    def branch(self, message_id: str) -> list[str]:
        """The ids of a message and of everything below it."""
        ids = [self.message(message_id).id]
        for branch_id in ids:  # grows while it is walked
            ids += self._children.get(branch_id, ())
        return ids

    def turn(self, message_id: str) -> list[str]:
        """The ids of a question, or of the one that was answered, with all answers to it."""
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
        """What to show when the messages `gone` are taken out of the tree.

        The path to the head without them; where its end goes too, a version beside it, or what
        stood before it.
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
