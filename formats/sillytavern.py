"""Import of a chat that SillyTavern saved: JSON Lines, a header and then a message on each line.

Other versions of an answer ("swipes") come as its versions. Hidden messages and those of the
application are left out and counted.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from chat.conversations.errors import BadImport
from chat.conversations.models import Archive
from chat.models import Role
from formats.foreign import (
    ForeignNode,
    Heading,
    LenientRecord,
    check_number,
    check_words,
    time_of,
    title_in,
    tree_archive,
)
from formats.import_report import ImportContext, LeftOut
from formats.reading import FileEntry, field_path, validate

MILLISECONDS = 1e11
"""A larger number is a time in milliseconds: seconds reach it in the year 5138."""


class _Header(LenientRecord):
    character_name: str | None = None


class _Message(LenientRecord):
    mes: str
    is_user: bool = False
    is_system: bool = False
    send_date: str | float | None = None
    swipes: list[str] | None = None
    extra: dict[str, object] | None = None


def is_sillytavern(entries: Sequence[FileEntry]) -> bool:
    """Whether the lines are a chat of SillyTavern, with or without its header."""
    values = [entry.value for entry in entries[:2]]
    return any(
        isinstance(value, Mapping)
        and (
            ("mes" in value and "is_user" in value) or {"user_name", "chat_metadata"} <= set(value)
        )
        for value in values
    )


def read_sillytavern(entries: Sequence[FileEntry], context: ImportContext) -> Archive | None:
    """The one chat of a file; None if it has no text. Raises BadImport."""
    check_number(entries, "")
    title, nodes = "", dict[str, ForeignNode]()
    above: str | None = None
    for entry in entries:
        where = f"line {entry.line or 1}"
        if entry.error:
            context.report.refuse(entry.error)
            continue
        if isinstance(entry.value, Mapping) and "mes" not in entry.value:
            header = validate(_Header, entry.value, where)
            title = title_in(header.character_name or "", where)
            continue
        message = context.unless_broken(partial(validate, _Message, entry.value, where))
        if message and (kept := context.unless_broken(partial(_versions, message, above, where))):
            keys = [f"{where}.{number}" for number in range(len(kept))]
            nodes |= dict(zip(keys, kept, strict=True))
            chosen = message.mes if message.mes else kept[-1].content
            above = keys[next(n for n, node in enumerate(kept) if node.content == chosen)]
        elif message and message.mes:
            is_hidden = not (message.extra or {}).get("type")
            context.leave_out(LeftOut.HIDDEN if is_hidden else LeftOut.INSTRUCTIONS)
    check_number(nodes, "")
    times = [node.time for node in nodes.values() if node.time]
    return tree_archive(
        nodes,
        "",
        context,
        Heading(
            head=above,
            title=title,
            created=min(times, default=None),
            updated=max(times, default=None),
        ),
    )


def _versions(message: _Message, above: str | None, where: str) -> list[ForeignNode]:
    """A message with its other versions; empty for one that is not shown. Raises BadImport."""
    if message.is_system:
        return []
    texts = [message.mes]
    if not message.is_user and message.mes in (message.swipes or ()):
        texts = list(dict.fromkeys(message.swipes or ()))
    role, time = Role.USER if message.is_user else Role.ASSISTANT, _time(message.send_date)
    return [
        ForeignNode(above, role, check_words(text, field_path(where, "mes")), time)
        for text in texts
        if text
    ]


def _time(written: str | float | None) -> datetime | None:
    """A time in any of the ways it was written over the years; None where it is none."""
    if isinstance(written, float | int):
        seconds = written / 1000 if written > MILLISECONDS else written
        with suppress(BadImport):
            return time_of(seconds, "")
        return None
    with suppress(BadImport):
        return time_of(written, "")
    with suppress(ValueError):
        return datetime.strptime(written or "", "%Y-%m-%d@%Hh%Mm%Ss").replace(tzinfo=UTC)
    return None
