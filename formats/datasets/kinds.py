"""The formats of data sets, by the names in addresses and in the command line."""

from enum import StrEnum

from chat.feedback.result_models import RatingFilter
from formats.datasets.lines import DpoFile, SftFile
from formats.datasets.parts import PieceFile
from formats.datasets.table import TableFile
from formats.datasets.whole import WholeFile
from formats.redaction.redactor import Redactor


class DataFormat(StrEnum):
    """CSV table, JSON Lines for training (SFT, DPO), or one complete JSON document."""

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
        """The extension of the file name."""
        return f".{self}" if self in (DataFormat.CSV, DataFormat.JSON) else f".{self}.jsonl"


def data_file(
    kind: DataFormat, filters: RatingFilter, redactor: Redactor | None = None
) -> PieceFile:
    """A new file of that format, masked by the redactor, if any."""
    match kind:
        case DataFormat.CSV:
            return TableFile(redactor)
        case DataFormat.SFT:
            return SftFile(redactor)
        case DataFormat.DPO:
            return DpoFile(redactor)
    return WholeFile(filters, redactor)
