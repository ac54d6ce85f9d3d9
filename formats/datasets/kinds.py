"""The kinds of data sets, by the names that addresses and the command use."""

from enum import StrEnum

from chat.feedback.result_models import RatingFilter
from formats.datasets.lines import DpoFile, SftFile
from formats.datasets.parts import PieceFile
from formats.datasets.table import TableFile
from formats.datasets.whole import WholeFile
from formats.redaction.redactor import Redactor


class DataFormat(StrEnum):
    """CSV for people, lines of JSON for training, one JSON document with everything."""

    CSV = "csv"
    SFT = "sft"
    DPO = "dpo"
    JSON = "json"

    @property
    def media_type(self) -> str:
        types = {DataFormat.CSV: "text/csv", DataFormat.JSON: "application/json"}
        return f"{types.get(self, 'application/jsonl')}; charset=utf-8"

    @property
    def suffix(self) -> str:
        """How a file's name ends."""
        return f".{self}" if self in (DataFormat.CSV, DataFormat.JSON) else f".{self}.jsonl"


def data_file(
    kind: DataFormat, filters: RatingFilter, redactor: Redactor | None = None
) -> PieceFile:
    """A new file of that kind; masked where there is a redactor."""
    match kind:
        case DataFormat.CSV:
            return TableFile(redactor)
        case DataFormat.SFT:
            return SftFile(redactor)
        case DataFormat.DPO:
            return DpoFile(redactor)
    return WholeFile(filters, redactor)
