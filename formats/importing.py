"""Import of conversations; the format of the file is detected.

All or nothing: a broken file is rejected with the place of the error.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime

from chat.conversations.errors import NothingToImport, UnknownFormat
from chat.conversations.models import Archive
from formats.chatgpt import read_chatgpt
from formats.document import FORMAT, read_document
from formats.reading import decode, field_path, parse, refusal
from formats.sharegpt import read_sharegpt

MAX_CONVERSATIONS = 50_000


def read_archives(data: bytes, *, owner_id: str, now: datetime) -> list[Archive]:
    """The conversations in a file: own format, ShareGPT (list or JSON Lines) or ChatGPT.

    `now` is the time of conversations without one. Raises BadImport.
    """
    entries = parse(decode(data))
    value = entries[0].value
    if len(entries) == 1 and isinstance(value, Mapping) and "format" in value:
        if value["format"] != FORMAT:
            raise refusal("format", f"should be {FORMAT}")
        archives = read_document(value, owner_id=owner_id)
    elif len(entries) == 1 and isinstance(value, list):
        items = ((field_path("", number), item) for number, item in enumerate(value))
        archives = list(_read_foreign(items, owner_id, now))
    else:
        lines = ((f"line {item.line}" if item.line else "", item.value) for item in entries)
        archives = list(_read_foreign(lines, owner_id, now))
    if not archives:
        raise refusal("", "the file holds no conversation", NothingToImport)
    if len(archives) > MAX_CONVERSATIONS:
        raise refusal("", f"the file holds more than {MAX_CONVERSATIONS} conversations")
    return archives


def _read_foreign(
    items: Iterator[tuple[str, object]], owner_id: str, now: datetime
) -> Iterator[Archive]:
    for where, item in items:
        if not isinstance(item, Mapping):
            raise refusal(where, "is no conversation of a known format", UnknownFormat)
        if "mapping" in item:
            archive = read_chatgpt(item, where, owner_id=owner_id, now=now)
        elif "conversations" in item or "messages" in item:
            archive = read_sharegpt(item, where, owner_id=owner_id, now=now)
        else:
            raise refusal(where, "is no conversation of a known format", UnknownFormat)
        if archive:
            yield archive
