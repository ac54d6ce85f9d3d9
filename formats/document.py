"""The app's own JSON format: lossless export and import of conversations with all branches.

Documented in `docs/export.md`, schema in `docs/export.schema.json`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

from chat.conversations.errors import UnknownParent
from chat.conversations.models import Archive
from formats.reading import field_path, refusal, validate
from formats.records import ConversationRecord, FileHead

FORMAT = "qwen-chat"
VERSION = 1
HEAD = f'{{"format":"{FORMAT}","version":{VERSION},"conversations":['
TAIL = "]}\n"


def write_conversation(archive: Archive) -> str:
    """One conversation as one line of JSON: an item of `conversations`."""
    record = asdict(archive.conversation)
    # The importer sets the owner; imported conversations belong to no campaign and no trash.
    del record["owner_id"], record["campaign_id"], record["deleted_at"]
    record["messages"] = [asdict(message) for message in archive.messages]
    for message in record["messages"]:
        del message["conversation_id"]
    return json.dumps(
        record, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_time
    )


def conversations_of(value: Mapping[str, object]) -> Sequence[object]:
    """The conversations of a file, each still to be read. Raises BadImport."""
    head = {name: item for name, item in value.items() if name != "conversations"}
    validate(FileHead, head, "")
    conversations = value.get("conversations")
    if not isinstance(conversations, Sequence) or isinstance(conversations, str):
        raise refusal("conversations", "should be a list")
    return conversations


def _time(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat()


def read_conversation(value: object, where: str, owner_id: str) -> Archive:
    """One conversation of a file. Raises BadImport."""
    record = validate(ConversationRecord, value, where)
    _check_tree(record, where)
    messages = tuple(message.value(record.id) for message in record.messages)
    return Archive(record.value(owner_id), messages)


def _check_tree(record: ConversationRecord, where: str) -> None:
    """Parents precede their children, which excludes unknown parents and cycles."""
    seen_ids: set[str] = set()
    for number, message in enumerate(record.messages):
        if message.id in seen_ids:
            raise refusal(
                field_path(where, "messages", number, "id"), "stands in another message too"
            )
        if message.parent_id is not None and message.parent_id not in seen_ids:
            parent = field_path(where, "messages", number, "parent_id")
            raise refusal(parent, "names no earlier message", UnknownParent)
        seen_ids.add(message.id)
    if record.head_id is not None and record.head_id not in seen_ids:
        raise refusal(field_path(where, "head_id"), "names no message")
