"""Rated answers and votes as files: for people, for training, and with everything."""

from formats.datasets.kinds import DataFormat, data_file

__all__ = ["DataFormat", "data_file"]
