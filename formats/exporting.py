"""Export of conversations: one file of many conversations in pieces, or of one alone."""

import zipfile
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol

from chat.conversations.models import Archive
from formats import document, sharegpt
from formats.html import write_html
from formats.markdown import write_markdown
from formats.names import file_stem
from formats.outlet import Outlet
from formats.words import ExportLanguage


class Format(StrEnum):
    """The file formats, by the names in addresses."""

    MARKDOWN = "md"
    JSON = "json"
    HTML = "html"
    SHAREGPT = "sharegpt"

    @property
    def media_type(self) -> str:
        types = {Format.MARKDOWN: "text/markdown", Format.HTML: "text/html"}
        return f"{types.get(self, 'application/json')}; charset=utf-8"

    @property
    def suffix(self) -> str:
        return ".sharegpt.json" if self is Format.SHAREGPT else f".{self}"


class ExportFile(Protocol):
    """Writes conversations into one file; the returned pieces in order make up the file."""

    media_type: str
    suffix: str

    def add(self, archive: Archive) -> bytes: ...

    def end(self) -> bytes: ...


def export_file(kind: Format, language: ExportLanguage, *, single: bool = False) -> ExportFile:
    """A new file: a JSON document, or a zip archive of pages; a `single` page is no archive."""
    if kind is Format.JSON:
        return _JsonFile(kind, document.write_conversation, document.HEAD, document.TAIL)
    if kind is Format.SHAREGPT:
        return _JsonFile(kind, sharegpt.write_sharegpt, sharegpt.HEAD, sharegpt.TAIL)
    return _PageFile(kind, language) if single else _ZipFile(kind, language)


class _JsonFile:
    """Writes the items of one JSON list."""

    def __init__(self, kind: Format, write: Callable[[Archive], str], head: str, tail: str) -> None:
        self.media_type = kind.media_type
        self.suffix = kind.suffix
        self._write = write
        self._before = head
        self._tail = tail

    def add(self, archive: Archive) -> bytes:
        before, self._before = self._before, ",\n"
        return (before + self._write(archive)).encode()

    def end(self) -> bytes:
        head = "" if self._before == ",\n" else self._before
        return (head + self._tail).encode()


class _PageFile:
    """One conversation as a page."""

    def __init__(self, kind: Format, language: ExportLanguage) -> None:
        self.media_type = kind.media_type
        self.suffix = kind.suffix
        self._write = write_html if kind is Format.HTML else write_markdown
        self._language = language

    def add(self, archive: Archive) -> bytes:
        return self._write(archive, self._language).encode()

    def end(self) -> bytes:
        return b""


class _ZipFile:
    """One page for each conversation, numbered because titles may repeat."""

    media_type = "application/zip"
    suffix = ".zip"

    def __init__(self, kind: Format, language: ExportLanguage) -> None:
        self._page = _PageFile(kind, language)
        self._untitled = language.words.untitled
        self._outlet = Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED)
        self._count = 0

    def add(self, archive: Archive) -> bytes:
        self._count += 1
        stem = file_stem(archive.conversation.title, self._untitled)
        info = zipfile.ZipInfo(f"{self._count:04} {stem}{self._page.suffix}", _date(archive))
        info.compress_type = zipfile.ZIP_DEFLATED
        self._zip.writestr(info, self._page.add(archive))
        return self._outlet.take()

    def end(self) -> bytes:
        self._zip.close()
        return self._outlet.take()


def _date(archive: Archive) -> tuple[int, int, int, int, int, int]:
    """A zip archive can store the years 1980 to 2107 only."""
    time = archive.conversation.updated_at
    year = min(max(time.year, 1980), 2107)
    return year, time.month, time.day, time.hour, time.minute, time.second
