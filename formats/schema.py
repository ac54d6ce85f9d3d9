"""Generates the JSON schemas of the file formats from their records.

`python -m formats.schema` writes them into docs/.
"""

import json
from pathlib import Path

from pydantic import BaseModel

from formats.cases import CasesFile
from formats.datasets.records import DpoLine, ResultsFile, SftLine, TableRow
from formats.preset import PresetFile
from formats.records import ConversationsFile
from formats.tables.survey import SurveyDocument

DOCS = Path(__file__).parent.parent / "docs"
SCHEMAS: dict[str, type[BaseModel]] = {
    "export.schema.json": ConversationsFile,
    "preset.schema.json": PresetFile,
    "cases.schema.json": CasesFile,
    "sft.schema.json": SftLine,
    "dpo.schema.json": DpoLine,
    "ratings-table.schema.json": TableRow,
    "results.schema.json": ResultsFile,
    "survey.schema.json": SurveyDocument,
}


def schema(kind: type[BaseModel]) -> str:
    """The schema of a file as it is written into docs/."""
    record = {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema()}
    return json.dumps(record, ensure_ascii=False, indent=2) + "\n"


def main() -> None:
    for name, kind in SCHEMAS.items():
        (DOCS / name).write_text(schema(kind), encoding="utf-8")


if __name__ == "__main__":
    main()
