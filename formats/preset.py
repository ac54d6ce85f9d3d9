"""Export and import of one preset as a JSON file."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Literal

from pydantic import Field

from chat.conversations.models import PresetText
from chat.conversations.validation import (
    MAX_PRESET_NAME,
    MAX_PRESET_QUESTION,
    MAX_PRESET_QUESTIONS,
)
from formats.reading import decode, parse, refusal, validate
from formats.records import FileRecord, Plain, Prompt, SamplingRecord

FORMAT = "qwen-chat-preset"
VERSION = 1
Question = Annotated[Plain, Field(min_length=1, max_length=MAX_PRESET_QUESTION)]


class PresetFile(FileRecord):
    """A preset of Qwen Chat, version 1."""

    format: Literal["qwen-chat-preset"]
    version: Literal[1]
    name: Annotated[Plain, Field(min_length=1, max_length=MAX_PRESET_NAME)]
    system_prompt: Prompt = ""
    sampling: SamplingRecord = SamplingRecord()
    questions: list[Question] = Field(default=[], max_length=MAX_PRESET_QUESTIONS)
    language: Annotated[str, Field(pattern="^(zh|en)?$")] = ""

    def value(self) -> PresetText:
        return PresetText(
            name=self.name,
            system_prompt=self.system_prompt,
            sampling=self.sampling.value(),
            questions=tuple(self.questions),
            language=self.language,
        )


def write_preset(text: PresetText) -> bytes:
    """A preset as a file, indented for manual editing."""
    record = {"format": FORMAT, "version": VERSION} | asdict(text)
    return (json.dumps(record, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def read_preset(data: bytes) -> PresetText:
    """Parse the preset in a file. Raises BadImport."""
    entries = parse(decode(data))
    if len(entries) != 1 or not isinstance(entries[0].value, Mapping):
        raise refusal("", "the file should hold one preset")
    return validate(PresetFile, entries[0].value, "").value()
