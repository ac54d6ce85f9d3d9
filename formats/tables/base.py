"""Common parts of files of tables: which tables, how many rows, and the schema."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from chat.feedback.table_models import Table, TableItem, TablesHead
from formats.redaction.redactor import Redactor
from formats.tables.sheets import SHEETS, rows_of
from formats.tables.wording import Cell, TableWording
from formats.words import ExportLanguage, moment

SCHEMA = "qwen-chat/campaign-tables/1"


class TableSheets(ABC):
    """Base class of a `chat.feedback.ports.TablesFile` in rows.

    `rows` counts the rows of each table, `shortened` the cells that were too long for the format.
    """

    takes: Sequence[Table] = tuple(Table)

    def __init__(self, language: ExportLanguage, redactor: Redactor | None = None) -> None:
        self._language = language
        self._redactor = redactor
        self._say: TableWording | None = None
        self.rows: Counter[Table] = Counter()
        self.shortened = 0

    @property
    def masked(self) -> Mapping[str, int]:
        """The number of masked items so far, by placeholder."""
        return dict(self._redactor.masked) if self._redactor else {}

    @property
    def say(self) -> TableWording:
        assert self._say, "begin comes first"
        return self._say

    def begin(self, head: TablesHead) -> None:
        self._say = TableWording(head, self._language, self._redactor)

    def add(self, table: Table, items: Sequence[TableItem]) -> bytes:
        rows = list(rows_of(table, items, self.say))
        self.rows[table] += len(rows)
        return self._write(table, rows)

    @abstractmethod
    def _write(self, table: Table, rows: Sequence[Sequence[Cell]]) -> bytes: ...

    @abstractmethod
    def end(self) -> Iterator[bytes]: ...

    @abstractmethod
    def close(self) -> None: ...

    def about(self) -> Iterator[tuple[str, str]]:
        """What the file is: labels and values. Complete only at the end."""
        head, say = self.say.head, self.say
        yield say.word("about-schema"), SCHEMA
        yield say.word("about-campaign"), say.mask(say.plan.title)
        yield say.word("about-campaign-id"), head.campaign.id
        yield say.word("about-mode"), say.of_code("mode", say.plan.mode)
        yield say.word("about-made"), moment(head.created_at)
        masked = ", ".join(f"[{kind}] {count}" for kind, count in self.masked.items())
        if self._redactor:
            yield say.word("about-masked"), masked or say.word("about-masked-nothing")
        yield say.word("about-trial"), say.word("about-trial-info")

    def schema(self) -> Iterator[Sequence[str]]:
        """The columns of all tables: sheet, its code, column, its code, type, meaning."""
        say = self.say
        for table in self.takes:
            for column in SHEETS[table]:
                yield (
                    say.word(f"sheet-{table}"),
                    table.value,
                    say.column(column.code),
                    column.code,
                    say.word(f"type-{column.type}"),
                    say.column_info(column.code),
                )
