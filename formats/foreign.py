"""Common parts of the import of other applications' formats."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, ConfigDict

from chat.conversations.attachments import attachment, check_attachments
from chat.conversations.errors import CircleOfMessages, TooManyMessages, UnknownParent
from chat.conversations.models import Archive, Attachment, Conversation, Message, Origin
from chat.conversations.validation import MAX_RENAMED, title_of
from chat.errors import BadRequest
from chat.models import ChatOptions, Role, Status
from chat.validation import IN_BOUNDS, MAX_CHARACTERS, is_bounded
from formats.import_report import ImportContext, LeftOut
from formats.reading import field_path, refusal
from formats.records import MAX_MESSAGES, MAX_TEXT, plain

UNTITLED = "…"


class LenientRecord(BaseModel):
    """Ignores unknown fields, because the format is not ours and may change."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, frozen=True)


@dataclass(frozen=True, slots=True)
class Words:
    """One checked message of a foreign file; the ids are those of the file."""

    id: str
    parent_id: str | None
    role: Role
    content: str
    created_at: datetime
    attachments: tuple[Attachment, ...] = ()


@dataclass(frozen=True, slots=True)
class ForeignNode:
    """A place in a foreign tree. Without a role it holds nothing that is imported.

    `children` are the ids of its versions below, in their order, where the file has that order.
    """

    parent: str | None
    role: Role | None = None
    content: str = ""
    time: datetime | None = None
    attachments: tuple[Attachment, ...] = ()
    children: Sequence[str] = ()


def check_words(content: str, where: str) -> str:
    """Check the text of a message. Raises BadImport."""
    if len(content) > MAX_TEXT:
        raise refusal(where, f"should have at most {MAX_TEXT} characters")
    try:
        return plain(content)
    except ValueError as error:
        raise refusal(where, str(error)) from None


def check_prompt(prompt: str, where: str) -> str:
    """Check a system prompt. Raises BadImport."""
    if len(prompt) > MAX_CHARACTERS:
        raise refusal(where, f"should have at most {MAX_CHARACTERS} characters")
    return check_words(prompt, where)


def check_number(messages: Sequence[object] | Mapping[str, object], where: str) -> None:
    """Raises BadImport when there are more messages than one conversation may have."""
    if len(messages) > MAX_MESSAGES:
        raise refusal(where, f"should have at most {MAX_MESSAGES} messages", TooManyMessages)


def time_of(value: float | str | None, where: str) -> datetime | None:
    """A time in seconds since 1970, or in ISO 8601. Raises BadImport."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            time = datetime.fromisoformat(value)
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
        else:
            time = datetime.fromtimestamp(value, UTC)
        time = time.astimezone(UTC)
    except (OverflowError, OSError, ValueError):
        raise refusal(where, "is not a time") from None
    if not is_bounded(time):
        raise refusal(where, f"is not within {IN_BOUNDS}")
    return time


def files_of(files: Sequence[tuple[str, str]], context: ImportContext) -> tuple[Attachment, ...]:
    """Files by name and text. What a question cannot hold is left out."""
    kept: list[Attachment] = []
    for name, text in files:
        try:
            item = attachment(name, text)
            check_attachments("", [*kept, item])
        except BadRequest:
            context.leave_out(LeftOut.FILE)
        else:
            kept.append(item)
    return tuple(kept)


class ForeignTree:
    """Walks a tree from its roots. `nearest` maps each node to its nearest imported ancestor."""

    def __init__(self, nodes: Mapping[str, ForeignNode], where: str, created: datetime) -> None:
        self._nodes = nodes
        self._where = where
        self._created = created
        self.nearest: dict[str, str | None] = {}

    def words(self) -> list[Words]:
        """Imported messages, parents before children, siblings in their order. Raises BadImport."""
        return list(self._words())

    def _words(self) -> Iterator[Words]:
        for key in self._from_the_roots():
            node = self._nodes[key]
            above = self.nearest[node.parent] if node.parent is not None else None
            if node.role is None or not (node.content or node.attachments):
                self.nearest[key] = above
                continue
            new_id = self.nearest[key] = str(len(self.nearest))
            time = node.time or self._created
            yield Words(new_id, above, node.role, node.content, time, node.attachments)

    def _from_the_roots(self) -> list[str]:
        below: dict[str | None, list[str]] = defaultdict(list)
        for key, node in self._nodes.items():
            if node.parent is not None and node.parent not in self._nodes:
                where = field_path(self._where, key, "parent")
                raise refusal(where, "names no node", UnknownParent)
            below[node.parent].append(key)
        keys: list[str] = self._in_order(below[None], ())
        for key in keys:  # the list grows during iteration
            keys += self._in_order(below.get(key, []), self._nodes[key].children)
        if len(keys) < len(self._nodes):
            seen = set(keys)
            lost = next(key for key in self._nodes if key not in seen)
            where = field_path(self._where, lost, "parent")
            raise refusal(where, "leads round in a circle", CircleOfMessages)
        return keys

    def _in_order(self, keys: list[str], listed: Sequence[str]) -> list[str]:
        """By the list of the node above; what it does not name comes last, by time."""
        places = {key: place for place, key in enumerate(listed)}
        earliest = datetime.min.replace(tzinfo=UTC)

        def order(key: str) -> tuple[int, datetime]:
            return places.get(key, len(places)), self._nodes[key].time or earliest

        return sorted(keys, key=order)


@dataclass(frozen=True, slots=True)
class Foreign:
    """A conversation of a foreign file; parents precede their children."""

    words: Sequence[Words]
    head_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    system_prompt: str = ""

    def archive(self, owner_id: str) -> Archive:
        """The conversation as an archive, without provenance, because the model is unknown."""
        conversation = Conversation(
            id="imported",
            owner_id=owner_id,
            title=self._title(),
            options=ChatOptions(self.system_prompt),
            head_id=self.head_id,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )
        return Archive(conversation, tuple(map(_message, self.words)))

    def _title(self) -> str:
        """The title in one line, or else the first line of the first message."""
        line = " ".join(self.title.split())[:MAX_RENAMED].rstrip()
        return line or next(
            (title_of(words.content) for words in self.words if words.content.strip()), UNTITLED
        )


@dataclass(frozen=True, slots=True)
class Heading:
    """What a foreign file says of a whole conversation. `head` is the end of the shown path."""

    head: str | None = None
    title: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    system_prompt: str = ""


def tree_archive(
    nodes: Mapping[str, ForeignNode], where: str, context: ImportContext, heading: Heading
) -> Archive | None:
    """The conversation of a tree; None if it has no text. Raises BadImport."""
    created = heading.created or context.now
    tree = ForeignTree(nodes, where, created)
    words = tree.words()
    if not words:
        return None
    return Foreign(
        words,
        tree.nearest.get(heading.head or "") or words[-1].id,
        heading.title,
        created,
        heading.updated or created,
        heading.system_prompt,
    ).archive(context.owner_id)


def chain(parts: Sequence[ForeignNode]) -> dict[str, ForeignNode]:
    """The nodes of a conversation without branches, each below the one before it."""
    nodes: dict[str, ForeignNode] = {}
    for number, part in enumerate(parts):
        above = str(number - 1) if number else None
        nodes[str(number)] = ForeignNode(
            above, part.role, part.content, part.time, part.attachments
        )
    return nodes


def title_in(title: str, where: str) -> str:
    """Check a title. Raises BadImport."""
    try:
        return plain(title)
    except ValueError as error:
        raise refusal(where, str(error)) from None


def _message(words: Words) -> Message:
    return Message(
        id=words.id,
        conversation_id="imported",
        parent_id=words.parent_id,
        role=words.role,
        content=words.content,
        status=Status.DONE,
        created_at=words.created_at,
        attachments=words.attachments,
        origin=Origin.IMPORTED,
    )
