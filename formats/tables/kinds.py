"""The formats of tables, by the names in addresses and in the command line."""

from enum import StrEnum

from formats.redaction.redactor import Redactor
from formats.tables.archive import ArchiveFile
from formats.tables.survey import SurveyFile
from formats.tables.workbook import WorkbookFile
from formats.words import ExportLanguage


class TablesFormat(StrEnum):
    """A workbook, a zip archive of CSV files, or the survey alone as JSON."""

    XLSX = "xlsx"
    TABLES = "tables"
    SURVEY = "survey"

    @property
    def media_type(self) -> str:
        return {
            TablesFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            TablesFormat.TABLES: "application/zip",
            TablesFormat.SURVEY: "application/json; charset=utf-8",
        }[self]

    @property
    def suffix(self) -> str:
        """The extension of the file name."""
        return {
            TablesFormat.XLSX: ".xlsx",
            TablesFormat.TABLES: ".tables.zip",
            TablesFormat.SURVEY: ".survey.json",
        }[self]


TablesKind = WorkbookFile | ArchiveFile | SurveyFile


def tables_file(
    kind: TablesFormat, language: ExportLanguage, redactor: Redactor | None = None
) -> TablesKind:
    """A new file of that format, masked by the redactor, if any. It has to be closed."""
    kinds: dict[TablesFormat, type[TablesKind]] = {
        TablesFormat.XLSX: WorkbookFile,
        TablesFormat.TABLES: ArchiveFile,
        TablesFormat.SURVEY: SurveyFile,
    }
    return kinds[kind](language, redactor)
