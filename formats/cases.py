"""Export and import of regression cases as one JSON file."""

import hashlib
import json
from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import Field

from chat.conversations.errors import NothingToImport, UnknownFormat
from chat.evaluation.models import Case, CaseText, Check, CheckKind
from chat.evaluation.validation import MAX_EXPECTED, MAX_NAME, MOST_CASES, MOST_CHECKS, MOST_TURNS
from chat.models import ChatMessage, Role
from chat.tools import ToolCall
from formats.reading import decode, parse, refusal, validate
from formats.records import FileRecord, Id, Plain, Prompt, SamplingRecord, Text

FORMAT = "qwen-chat-cases"
VERSION = 1


class CallRecord(FileRecord):
    """A call of a tool that the assistant asked for; `arguments` is the text it wrote."""

    id: Annotated[Plain, Field(max_length=128)]
    name: Annotated[Plain, Field(max_length=128)]
    arguments: Prompt


class TurnRecord(FileRecord):
    """One turn of the prompt. A `partial` one is the beginning of an answer, at the prompt's end:
    the model continues it.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: Prompt
    calls: list[CallRecord] = Field(default=[], max_length=100)
    partial: bool = False

    def value(self) -> ChatMessage:
        calls = tuple(ToolCall(**call.model_dump()) for call in self.calls)
        return ChatMessage(Role(self.role), self.content, calls, self.partial)


class CheckRecord(FileRecord):
    """A condition: a text, a pattern, a JSON schema, a result, or a criterion for a reviewer."""

    kind: Literal["contains", "regex", "json-schema", "maths", "human"]
    expected: Annotated[Plain, Field(max_length=MAX_EXPECTED)] = ""

    def value(self) -> Check:
        return Check(CheckKind(self.kind), self.expected)


class CaseRecord(FileRecord):
    """A prompt and what must hold of its answer.

    `id` tells the runs of a case apart from those of others; without it the prompt does. Sampling
    that is not set is the preset's or the model's own, with temperature 0.
    """

    id: Id | None = None
    name: Annotated[Plain, Field(min_length=1, max_length=MAX_NAME)]
    prompt: list[TurnRecord] = Field(min_length=1, max_length=MOST_TURNS)
    checks: list[CheckRecord] = Field(min_length=1, max_length=MOST_CHECKS)
    sampling: SamplingRecord = SamplingRecord()
    reference: Text = ""

    def value(self) -> CaseText:
        prompt = tuple(turn.value() for turn in self.prompt)
        return CaseText(
            name=self.name,
            prompt=prompt,
            checks=tuple(check.value() for check in self.checks),
            sampling=self.sampling.value(),
            reference=self.reference,
            key=self.id or _key(prompt),
        )


class CasesFile(FileRecord):
    """Regression cases of Qwen Chat, version 1."""

    format: Literal["qwen-chat-cases"]
    version: Literal[1]
    cases: list[CaseRecord] = Field(max_length=MOST_CASES)


def _key(prompt: tuple[ChatMessage, ...]) -> str:
    """The name of a case that has none: the same prompt has the same, in whatever file."""
    written = repr(prompt) + ("partial" if prompt[-1].partial else "")
    return f"file-{hashlib.sha256(written.encode()).hexdigest()[:32]}"


def write_cases(cases: Sequence[Case]) -> bytes:
    """Cases as a file, indented for manual editing."""
    records = [_record(case).model_dump(exclude_defaults=True) for case in cases]
    file = {"format": FORMAT, "version": VERSION, "cases": records}
    return (json.dumps(file, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode()


def read_cases(data: bytes) -> Sequence[CaseText]:
    """The cases in a file. Raises BadImport."""
    entries = parse(decode(data))
    value = entries[0].value if len(entries) == 1 else None
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        raise refusal("", f'the file is no JSON object with "format": "{FORMAT}"', UnknownFormat)
    cases = [record.value() for record in validate(CasesFile, value, "").cases]
    if not cases:
        raise refusal("", "the file holds no cases", NothingToImport)
    if len({case.key for case in cases}) < len(cases):
        raise refusal("cases", "two of them have the same id, or the same prompt and none")
    return cases


def read_calls(text: str) -> tuple[ToolCall, ...]:
    """Parse the tool calls of a message from JSON. Raises BadImport."""
    turn = validate(TurnRecord, {"role": "assistant", "content": "", "calls": _one(text)}, "prompt")
    return turn.value().calls


def _one(text: str) -> object:
    entries = parse(text)
    return entries[0].value if len(entries) == 1 else None


def _calls(message: ChatMessage) -> list[dict[str, str]]:
    return [{"id": c.id, "name": c.name, "arguments": c.arguments} for c in message.calls]


def _record(case: Case) -> CaseRecord:
    return CaseRecord.model_validate(
        {
            "id": case.id,
            "name": case.name,
            "prompt": [
                {
                    "role": turn.role.value,
                    "content": turn.content,
                    "calls": _calls(turn),
                    "partial": turn.partial,
                }
                for turn in case.prompt
            ],
            "checks": [
                {"kind": check.kind.value, "expected": check.expected} for check in case.checks
            ],
            "sampling": _sampling(case),
            "reference": case.reference,
        }
    )


def _sampling(case: Case) -> dict[str, object]:
    names = SamplingRecord.model_fields
    values = {name: getattr(case.sampling, name) for name in names}
    return values | {"stop": list(case.sampling.stop)}
