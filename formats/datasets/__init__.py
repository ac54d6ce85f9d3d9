"""Rated answers and votes as files: for people, for training, and with everything."""

from formats.datasets.kinds import DataFormat, data_file
from formats.datasets.parts import PieceFile

__all__ = ["DataFormat", "PieceFile", "data_file"]
