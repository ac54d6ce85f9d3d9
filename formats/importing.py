"""Import of conversations; the format of the file is detected.

What can be read is imported in the order of the file. What cannot is named, and what was left out
is counted; a file of which nothing can be read is refused with its first error.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from chat.conversations.errors import (
    BadImport,
    ForeignFormat,
    NothingToImport,
    UnknownFormat,
)
from chat.conversations.models import Archive
from formats.chatgpt import read_chatgpt
from formats.claude import read_claude
from formats.document import FORMAT, conversations_of, read_conversation
from formats.import_report import ImportContext, Imported, ImportReport, LeftOut
from formats.librechat import read_librechat
from formats.open_webui import read_open_webui
from formats.reading import FileEntry, decode, field_path, parse, refusal
from formats.sharegpt import read_sharegpt
from formats.sillytavern import is_sillytavern, read_sillytavern
from formats.unpacking import is_zip, unpacked

MAX_CONVERSATIONS = 50_000

Reader = Callable[[ImportContext], Archive | None]
"""Reads one conversation; None if it has no text. Raises BadImport."""


def read_archives(data: bytes, *, owner_id: str, now: datetime) -> Imported:
    """The conversations in a file: our own format, or one of those in `docs/export.md`.

    `now` is the time of conversations without one; of several, the first is the newest, so that a
    list keeps the order of the file. Raises BadImport.
    """
    archives: list[Archive] = []
    report = ImportReport()
    for number, read in enumerate(_readers(data)):
        if number >= MAX_CONVERSATIONS:
            raise refusal("", f"the file holds more than {MAX_CONVERSATIONS} conversations")
        context = ImportContext(owner_id, now - timedelta(microseconds=number))
        try:
            archive = read(context)
        except BadImport as error:
            report.refuse(error)
            continue
        report.add(context.report)
        if archive:
            archives.append(archive)
        elif not context.report.not_read_count:
            report.left_out[LeftOut.EMPTY] += 1
    if not archives:
        if report.not_read:
            raise report.not_read[0]
        raise refusal("", "the file holds no conversation", NothingToImport)
    return Imported(archives, report)


def _readers(data: bytes) -> Iterator[Reader]:
    """One for each conversation of the file. Raises BadImport."""
    if is_zip(data):
        for name, content in unpacked(data):
            try:
                yield from list(_of_file(content, f"{name}: "))
            except BadImport as error:  # the other files of the zip can be read all the same
                yield _broken(error)
    else:
        yield from _of_file(data)


def _of_file(data: bytes, before: str = "") -> Iterator[Reader]:
    entries = parse(decode(data))
    value = entries[0].value
    if is_sillytavern(entries):
        yield lambda context: read_sillytavern(entries, context)
    elif len(entries) == 1 and isinstance(value, Mapping) and "format" in value:
        if value["format"] != FORMAT:
            raise refusal("format", f"should be {FORMAT}")
        for number, item in enumerate(conversations_of(value)):
            yield _own(item, field_path("conversations", number))
    elif len(entries) == 1 and isinstance(value, list):
        for number, item in enumerate(value):
            yield _foreign(FileEntry(item), before + field_path("", number))
    else:
        for entry in entries:
            yield _foreign(entry, before + (f"line {entry.line}" if entry.line else ""))


def _broken(error: BadImport) -> Reader:
    def read(context: ImportContext) -> Archive | None:
        raise error

    return read


def _own(value: object, where: str) -> Reader:
    return lambda context: read_conversation(value, where, context.owner_id)


def _foreign(entry: FileEntry, where: str) -> Reader:
    def read(context: ImportContext) -> Archive | None:
        if entry.error:
            raise entry.error
        if not isinstance(entry.value, Mapping):
            raise refusal(where, "is no conversation of a known format", UnknownFormat)
        return _read_item(entry.value, where, context)

    return read


def _read_item(value: Mapping[str, object], where: str, context: ImportContext) -> Archive | None:
    """Raises BadImport."""
    if "chat_messages" in value:
        return read_claude(value, where, context)
    if "conversationId" in value and ("messages" in value or "messagesTree" in value):
        return read_librechat(value, where, context)
    if isinstance(value.get("chat"), Mapping) or isinstance(value.get("history"), Mapping):
        return read_open_webui(value, where, context)
    if name := _refused_name(value):
        raise refusal("", name, ForeignFormat)
    if "mapping" in value:
        return read_chatgpt(value, where, context)
    if "conversations" in value or "messages" in value:
        return read_sharegpt(value, where, context)
    raise refusal(where, "is no conversation of a known format", UnknownFormat)


def _refused_name(value: Mapping[str, object]) -> str:
    """The application whose files are known and not read; empty for others."""
    if "inserted_at" in value and "mapping" in value:
        return "DeepSeek"
    if str(value.get("header", "")).startswith("Gemini"):
        return "Google Gemini"
    if isinstance(value.get("history"), list) and "version" in value:
        return "Chatbot UI"
    if isinstance(value.get("conversations"), list) and isinstance(value.get("projects"), list):
        return "Grok"
    return ""
