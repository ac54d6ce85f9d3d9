"""All tables as one workbook for Excel, written row by row into files on disk."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from chat.feedback.table_models import Table, TablesHead
from formats.redaction.redactor import Redactor
from formats.tables.base import TableSheets
from formats.tables.sheets import SHEETS, CellType
from formats.tables.wording import Cell
from formats.words import ExportLanguage

MAX_CELL = 32_767
"""UTF-16 units of a cell: Excel repairs a file with a longer one by cutting it."""

MAX_ROWS = 1_048_575
"""Rows of a sheet of Excel below its head."""

PIECE = 256 * 1024
WIDTHS: Mapping[CellType, int] = {
    CellType.TEXT: 28,
    CellType.CODE: 14,
    CellType.ID: 16,
    CellType.NUMBER: 12,
    CellType.TIME: 19,
    CellType.YES_NO: 10,
}
OPTIONS: Mapping[str, object] = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
    "use_zip64": True,
}


class PlainWorksheet(Worksheet):  # type: ignore[misc]  # the library has no types
    """A worksheet that writes every text as it is.

    XlsxWriter takes a text from `<r>` to `</r>` for a rich text that it has written itself, and
    puts it into the XML without escaping: a tester could write elements of the sheet.
    """

    def _xml_rich_inline_string(self, string: str, attributes: Sequence[Any] = ()) -> None:
        self._xml_inline_string(string, True, attributes)


class WorkbookFile(TableSheets):
    """XLSX. Texts are text cells, which no program executes; times are dates of Excel, in UTC.

    A text that is too long ends with a notice, and rows that do not fit are counted in the sheet
    of the schema, which stands first and is written last.
    """

    def __init__(self, language: ExportLanguage, redactor: Redactor | None = None) -> None:
        super().__init__(language, redactor)
        self._folder: TemporaryDirectory[str] | None = None

    def begin(self, head: TablesHead) -> None:
        super().begin(head)
        self._folder = TemporaryDirectory(prefix="qwen-chat-workbook-")
        self._path = Path(self._folder.name) / "tables.xlsx"
        self._book = Workbook(str(self._path), {**OPTIONS, "tmpdir": self._folder.name})
        self._text = self._book.add_format({"num_format": "@", "valign": "top"})
        self._plain = self._book.add_format({"valign": "top"})
        self._time = self._book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss", "valign": "top"})
        self._bold = self._book.add_format({"bold": True, "num_format": "@", "valign": "top"})
        self._wrapped = self._book.add_format({"text_wrap": True, "valign": "top"})

        self._add_sheets()

    def _add_sheets(self) -> None:
        self._schema = self._book.add_worksheet(self.say.word("sheet-schema"), PlainWorksheet)
        self._sheets = {
            table: self._book.add_worksheet(self.say.word(f"sheet-{table}"), PlainWorksheet)
            for table in self.takes
        }
        for table, sheet in self._sheets.items():
            sheet.freeze_panes(1, 1)
            for index, column in enumerate(SHEETS[table]):
                sheet.set_column(index, index, WIDTHS[column.type])
                sheet.write_string(0, index, self.say.column(column.code), self._bold)

    def _write(self, table: Table, rows: Sequence[Sequence[Cell]]) -> bytes:
        first = self.rows[table] - len(rows) + 1
        for number, row in enumerate(rows, start=first):
            if number > MAX_ROWS:
                break
            for index, cell in enumerate(row):
                self._cell(self._sheets[table], number, index, cell)
        return b""

    def _cell(self, sheet: Worksheet, row: int, index: int, cell: Cell) -> None:
        if isinstance(cell, bool):
            sheet.write_boolean(row, index, cell, self._plain)
        elif isinstance(cell, datetime):
            at = cell.astimezone(UTC).replace(tzinfo=None)
            sheet.write_datetime(row, index, at, self._time)
        elif isinstance(cell, int | float):
            sheet.write_number(row, index, cell, self._plain)
        elif cell:
            sheet.write_string(row, index, self._fitted(cell), self._text)

    def _fitted(self, text: str) -> str:
        """The text, or as much of it as a cell holds, with a notice of what is missing."""
        text = text.replace("\r\n", "\n")
        units = text.encode("utf-16-le")
        if len(units) <= 2 * MAX_CELL:
            return text
        self.shortened += 1
        notice = self.say.word("shortened", characters=f"{len(text):,}")
        room = 2 * MAX_CELL - len(notice.encode("utf-16-le"))
        return units[:room].decode("utf-16-le", "ignore") + notice

    def end(self) -> Iterator[bytes]:
        for table, sheet in self._sheets.items():
            rows = min(self.rows[table], MAX_ROWS)
            sheet.autofilter(0, 0, rows, len(SHEETS[table]) - 1)
        self._write_schema()
        self._book.close()
        with self._path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    def _write_schema(self) -> None:
        sheet, say = self._schema, self.say
        sheet.set_column(0, 4, 20)
        sheet.set_column(5, 5, 90)
        row = 0
        for label, value in [*self.about(), *self._limits()]:
            sheet.write_string(row, 0, label, self._bold)
            sheet.write_string(row, 1, self._fitted(value), self._text)
            row += 1
        row += 1
        for table in self.takes:
            sheet.write_string(row, 0, say.word(f"sheet-{table}"), self._bold)
            sheet.write_number(row, 1, self.rows[table], self._plain)
            sheet.write_string(row, 2, say.word(f"sheet-{table}-info"), self._text)
            row += 1
        row += 1
        heads = [say.word(f"schema-{name}") for name in SCHEMA_COLUMNS]
        for number, cells in enumerate([heads, *self.schema()], start=row):
            for index, cell in enumerate(cells):
                style = self._bold if number == row else self._wrapped
                sheet.write_string(number, index, cell, style)

    def _limits(self) -> Iterator[tuple[str, str]]:
        """What did not fit into a workbook."""
        if self.shortened:
            yield self.say.word("about-shortened"), f"{self.shortened:,}"
        if missing := sum(max(0, count - MAX_ROWS) for count in self.rows.values()):
            yield self.say.word("about-missing"), f"{missing:,}"

    def close(self) -> None:
        """Delete the files on disk, also those of sheets that were not finished."""
        if self._folder:
            for sheet in self._book.worksheets():
                sheet.row_data_fh.close()
            self._folder.cleanup()


SCHEMA_COLUMNS = ("sheet", "sheet-code", "column", "column-code", "type", "meaning")
"""The columns of the schema, by the keys of their words."""
