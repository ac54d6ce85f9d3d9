"""The results of a campaign as tables: a workbook, CSV files, and the survey as JSON."""

from formats.tables.kinds import TablesFormat, tables_file

__all__ = ["TablesFormat", "tables_file"]
