"""Import of ChatGPT's conversations.json: a tree of nodes with user and assistant messages.

Hidden nodes, system and tool messages, images and tool calls are left out; their children are
attached to the nearest imported ancestor.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from chat.conversations.errors import CircleOfMessages, UnknownParent
from chat.conversations.models import Archive
from chat.models import Role
from chat.validation import IN_BOUNDS, is_bounded
from formats.foreign import Foreign, Words, check_number, check_words
from formats.reading import field_path, refusal, validate
from formats.records import plain

ROLES = {"user": Role.USER, "assistant": Role.ASSISTANT}
TEXTS = frozenset({"text", "multimodal_text"})


class _Lenient(BaseModel):
    """Ignores unknown fields, because the format is not ours and may change."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


class _Author(_Lenient):
    role: str


class _Content(_Lenient):
    content_type: str
    parts: list[object] | None = None

    def text(self) -> str:
        """The text parts; other parts are images or recordings."""
        parts = self.parts if self.content_type in TEXTS and self.parts else ()
        return "\n".join(part for part in parts if isinstance(part, str) and part)


class _Message(_Lenient):
    author: _Author
    content: _Content
    create_time: float | None = None
    recipient: str | None = None
    metadata: dict[str, object] | None = None

    @property
    def is_visible(self) -> bool:
        hidden = (self.metadata or {}).get("is_visually_hidden_from_conversation") is True
        return self.author.role in ROLES and self.recipient in (None, "all") and not hidden


class _Node(_Lenient):
    message: _Message | None = None
    parent: str | None = None


class _Conversation(_Lenient):
    title: str | None = None
    create_time: float | None = None
    update_time: float | None = None
    mapping: dict[str, _Node]
    current_node: str | None = None


def read_chatgpt(
    value: Mapping[str, object], where: str, *, owner_id: str, now: datetime
) -> Archive | None:
    """One conversation; None if it has no text. Raises BadImport."""
    nodes = value["mapping"]
    if isinstance(nodes, Mapping):
        check_number(nodes, field_path(where, "mapping"))
    record = validate(_Conversation, value, where)
    created = _time(record.create_time, field_path(where, "create_time")) or now
    updated = _time(record.update_time, field_path(where, "update_time")) or created
    if record.current_node is not None and record.current_node not in record.mapping:
        raise refusal(field_path(where, "current_node"), "names no node")
    reading = _Reading(record.mapping, field_path(where, "mapping"), created)
    words = list(reading.words())
    if not words:
        return None
    head = reading.nearest.get(record.current_node or "") or words[-1].id
    title = _title(record.title or "", field_path(where, "title"))
    return Foreign(words, head, title, created, updated).archive(owner_id)


class _Reading:
    """Walks the tree from the roots. `nearest` maps each node to its nearest imported ancestor."""

    def __init__(self, nodes: Mapping[str, _Node], where: str, created: datetime) -> None:
        self._nodes = nodes
        self._where = where
        self._created = created
        self.nearest: dict[str, str | None] = {}

    def words(self) -> Iterator[Words]:
        """Imported messages, parents before children, siblings by time. Raises BadImport."""
        for key in self._from_the_roots():
            parent = self._nodes[key].parent
            above = self.nearest[parent] if parent is not None else None
            words = self._message_words(key, str(len(self.nearest)), above)
            self.nearest[key] = words.id if words else above
            if words:
                yield words

    def _from_the_roots(self) -> list[str]:
        below: dict[str | None, list[str]] = defaultdict(list)
        for key, node in self._nodes.items():
            if node.parent is not None and node.parent not in self._nodes:
                where = field_path(self._where, key, "parent")
                raise refusal(where, "names no node", UnknownParent)
            below[node.parent].append(key)
        keys: list[str] = sorted(below[None], key=self._moment)
        for key in keys:  # the list grows during iteration
            keys += sorted(below.get(key, ()), key=self._moment)
        if len(keys) < len(self._nodes):
            seen = set(keys)
            lost = next(key for key in self._nodes if key not in seen)
            where = field_path(self._where, lost, "parent")
            raise refusal(where, "leads round in a circle", CircleOfMessages)
        return keys

    def _moment(self, key: str) -> float:
        message = self._nodes[key].message
        return message.create_time or 0.0 if message else 0.0

    def _message_words(self, key: str, new_id: str, above: str | None) -> Words | None:
        message, where = self._nodes[key].message, field_path(self._where, key, "message")
        if message is None or not message.is_visible or not (text := message.content.text()):
            return None
        text = check_words(text, field_path(where, "content", "parts"))
        time = _time(message.create_time, field_path(where, "create_time")) or self._created
        return Words(new_id, above, ROLES[message.author.role], text, time)


def _time(seconds: float | None, where: str) -> datetime | None:
    if seconds is None:
        return None
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise refusal(where, "is not a time") from None
    if not is_bounded(time):
        raise refusal(where, f"is not within {IN_BOUNDS}")
    return time


def _title(title: str, where: str) -> str:
    try:
        return plain(title)
    except ValueError as error:
        raise refusal(where, str(error)) from None
