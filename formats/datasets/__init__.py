"""Export of rated answers and votes: as a table, as training data, and as a whole document."""

from formats.datasets.kinds import DataFormat, data_file
from formats.datasets.parts import PieceFile

__all__ = ["DataFormat", "PieceFile", "data_file"]
