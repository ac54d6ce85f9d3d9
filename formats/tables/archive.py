"""All tables as CSV files in one zip archive, which is streamed."""

import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import IO

from chat.feedback.table_models import Table, TablesHead
from formats.datasets.table import BOM, csv_bytes
from formats.outlet import Outlet
from formats.redaction.redactor import Redactor
from formats.tables.base import TableSheets
from formats.tables.sheets import SHEETS
from formats.tables.wording import Cell
from formats.words import ExportLanguage


class ArchiveFile(TableSheets):
    """One CSV file for each table, with codes as the names of columns, and `schema.csv`.

    Texts are whole; those that a spreadsheet would execute begin with `'`. Times are ISO 8601.
    """

    def __init__(self, language: ExportLanguage, redactor: Redactor | None = None) -> None:
        super().__init__(language, redactor)
        self._outlet = Outlet()
        self._zip = zipfile.ZipFile(self._outlet, "w", zipfile.ZIP_DEFLATED)
        self._member: IO[bytes] | None = None
        self._waiting = list(self.takes)

    def begin(self, head: TablesHead) -> None:
        super().begin(head)
        self._made_at = head.created_at.astimezone(UTC).timetuple()[:6]

    def _write(self, table: Table, rows: Sequence[Sequence[Cell]]) -> bytes:
        self._advance_to(table)
        assert self._member
        self._member.write(csv_bytes(map(_plain, row) for row in rows))
        return self._outlet.take()

    def end(self) -> Iterator[bytes]:
        while self._waiting:
            self._advance_to(self._waiting[0])
        self._open("schema")
        assert self._member
        names = ("sheet", "sheet_code", "column", "column_code", "type", "meaning")
        self._member.write(csv_bytes([names, *self.schema()]))
        self._open("about")
        self._member.write(csv_bytes(self.about()))
        self._member.close()
        self._zip.close()
        yield self._outlet.take()

    def close(self) -> None:
        """An archive cannot be given up while one of its files is open."""
        if self._member:
            self._member.close()

    def _advance_to(self, table: Table) -> None:
        """Begin the files up to that of the table; those before it have no rows."""
        while table in self._waiting:
            following = self._waiting.pop(0)
            self._open(following)
            assert self._member
            self._member.write(csv_bytes([[column.code for column in SHEETS[following]]]))

    def _open(self, stem: str) -> None:
        if self._member:
            self._member.close()
        info = zipfile.ZipInfo(f"{stem}.csv", self._made_at)
        info.compress_type = zipfile.ZIP_DEFLATED
        self._member = self._zip.open(info, "w", force_zip64=True)
        self._member.write(BOM.encode())


def _plain(cell: Cell) -> object:
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return cell
