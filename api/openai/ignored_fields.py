"""Which fields of a request are ignored, and which ones are refused by name.

Clients and gateways send fields of other servers, and fields at values that ask for nothing. By
default both are ignored and named in the header `X-Ignored-Parameters`; with `--api-strict` they
are refused. A field that changes what is answered is refused in both cases: an answer of another
shape than the client asked for would be read as if it had that shape.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, model_validator

HEADER = "X-Ignored-Parameters"
MAX_NAMED = 50
MAX_NAME = 80
"""Bounds of the header: names, and characters of each."""

HINTS: Mapping[str, str] = {
    "functions": "use `tools`",
    "function_call": "use `tool_choice`, and `tool_calls` in messages",
    "best_of": "only as many answers are written as are returned",
    "content": "only text is read, as a string or as parts of type `text`",
    "audio": "only text is read and written",
    "modalities": 'only text is written: ["text"]',
    "images": "only text is read",
    "documents": "put the documents into `messages`",
    "files": "put the files into `messages`",
    "web_search_options": "nothing is searched for here",
    "api_base": "where the model runs is the server's to say",
    "base_url": "where the model runs is the server's to say",
    "chat_template": "the template is the model's own",
    "template": "the template is the model's own",
    "system": "use a message of the role `system`",
    "response_schema": "use `response_format`",
    "json_schema": "use `response_format`",
    "format": "use `response_format`",
    "grammar": "use `response_format`",
    "guided_json": "use `response_format`",
    "guided_regex": "use `response_format` with a `pattern`",
    "guided_choice": "use `response_format` with an `enum`",
    "guided_grammar": "use `response_format`",
    "structured_outputs": "use `response_format`",
    "max_new_tokens": "use `max_tokens`",
    "max_output_tokens": "use `max_tokens`",
    "n_predict": "use `max_tokens`",
    "stop_sequences": "use `stop`",
    "stop_words": "use `stop`",
    "stop_token_ids": "use `stop`",
    "bad_words": "use `logit_bias`",
    "allowed_token_ids": "use `logit_bias`",
    "include_stop_str_in_output": "no part of a stop string comes out",
    "skip_special_tokens": "control tokens are not written",
    "add_generation_prompt": "a new answer is begun, unless the last message is the assistant's",
    "truncate_prompt_tokens": "nothing of a prompt is left out",
    "prompt_logprobs": "use `echo` with `logprobs` at /v1/completions",
    "n_probs": "use `logprobs`",
    "use_beam_search": "answers are sampled",
    "echo": "the prompt is repeated at /v1/completions only",
    "suffix": "text is filled in at /v1/completions only",
    "messages": "conversations go to /v1/chat/completions",
    "prompt": "bare text goes to /v1/completions",
    "input": "use `messages`",
}
"""Unknown fields that are refused, because they change what is answered, and what to do instead.

The hints are also added to the errors of known fields of these names.
"""

NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "functions": ([],),
    "function_call": ("none", "auto"),
    "best_of": (1,),
    "images": ([],),
    "documents": ([],),
    "files": ([],),
    "modalities": ([],),
    "system": ("",),
    "format": ("", "text"),
    "grammar": ("",),
    "guided_choice": ([],),
    "guided_regex": ("",),
    "guided_grammar": ("",),
    "json_schema": ({},),
    "structured_outputs": ({},),
    "n_predict": (-1,),
    "stop_sequences": ([],),
    "stop_words": ([],),
    "stop_token_ids": ([],),
    "bad_words": ([],),
    "allowed_token_ids": ([],),
    "include_stop_str_in_output": (False,),
    "skip_special_tokens": (True,),
    "add_generation_prompt": (True,),
    "truncate_prompt_tokens": (-1,),
    "prompt_logprobs": (0, False),
    "n_probs": (0,),
    "use_beam_search": (False,),
    "echo": (False,),
    "suffix": ("",),
    "chat_template": ("",),
    "template": ("",),
}
"""Values of these fields that ask for nothing, and so are ignored."""

SWITCHED_OFF: Mapping[str, tuple[object, ...]] = {
    "seed": (-1,),
    "max_tokens": (-1,),
    "max_completion_tokens": (-1,),
    "stop": ("",),
}
"""Values of known fields by which clients of other servers say that there is no such setting."""


@dataclass(slots=True)
class FieldReport:
    """How the fields of one request are read, and the names of those that were ignored."""

    strict: bool = False
    ignored: dict[str, None] = field(default_factory=dict)

    @property
    def header(self) -> dict[str, str]:
        """The header that names them; empty if nothing was ignored."""
        return {HEADER: _listed(self.ignored)} if self.ignored else {}


_report: ContextVar[FieldReport] = ContextVar("field_report")


@contextmanager
def reading_fields(report: FieldReport) -> Iterator[None]:
    """Read the bodies that are validated inside as `report` says, and report to it."""
    token = _report.set(report)
    try:
        yield
    finally:
        _report.reset(token)


def ignore(name: str) -> None:
    """Name a field that has no effect in this request."""
    if report := _report.get(None):
        report.ignored[name] = None


def reads_strictly() -> bool:
    """Whether fields without effect are refused."""
    report = _report.get(None)
    return report is not None and report.strict


class Tolerant(BaseModel):
    """Base of request bodies and their parts: what asks for nothing is taken out before the rest.

    `place` is the name of such a part in the header, `without_effect` are known fields that are
    ignored with any value, `switched_off` with these values. Null is as good as absent, for
    unknown fields as well.
    """

    model_config = ConfigDict(extra="forbid")
    place: ClassVar[str] = ""
    without_effect: ClassVar[frozenset[str]] = frozenset()
    switched_off: ClassVar[Mapping[str, tuple[object, ...]]] = SWITCHED_OFF

    @model_validator(mode="before")
    @classmethod
    def _take_out(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {name: data[name] for name in data if not cls._is_ignored(name, data[name])}

    @classmethod
    def _is_ignored(cls, name: str, value: object) -> bool:
        if value is None:
            return True
        if reads_strictly() or not cls._asks_for_nothing(name, value):
            return False
        ignore(f"{cls.place}{name}")
        return True

    @classmethod
    def _asks_for_nothing(cls, name: str, value: object) -> bool:
        if name in cls.without_effect:
            return True
        if name in _names(cls):
            return _is_among(value, cls.switched_off.get(name, ()))
        return name not in HINTS or _is_among(value, NEUTRAL.get(name, ()))


@cache
def _names(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(field.alias or name for name, field in model.model_fields.items())


def _is_among(value: object, others: Iterable[object]) -> bool:
    # Types are compared too: True equals 1.
    return any(type(value) is type(other) and value == other for other in others)


def _listed(names: Iterable[str]) -> str:
    """The names as a header: ASCII, bounded in number and length."""
    every = [re.sub(r"[^A-Za-z0-9_.:\[\]-]", "?", name[:MAX_NAME]) for name in names]
    more = [f"and {len(every) - MAX_NAMED} more"] if len(every) > MAX_NAMED else []
    return ", ".join([*every[:MAX_NAMED], *more])
