"""Sampling settings as JSON, for forms that carry the settings for which they have no field."""

import json
from collections.abc import Mapping
from dataclasses import asdict

from chat.models import Sampling
from formats.reading import parse, refusal, validate
from formats.records import SamplingRecord


def write_sampling(sampling: Sampling) -> str:
    """All settings as a JSON object."""
    return json.dumps(asdict(sampling), ensure_ascii=False)


def read_sampling(text: str, seen: Mapping[str, float | None] | None = None) -> Sampling:
    """The settings of such a text; `seen` overrides them. Raises BadImport."""
    entries = parse(text)
    settings = entries[0].value if len(entries) == 1 else None
    if not isinstance(settings, Mapping):
        raise refusal("sampling", "should be an object")
    return validate(SamplingRecord, {**settings, **(seen or {})}, "sampling").value()
