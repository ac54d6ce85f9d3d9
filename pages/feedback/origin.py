"""Where an answer came from, as hosts read it: model, settings and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.models import Provenance, Timing, Usage


@dataclass(frozen=True, slots=True)
class AnswerOrigin:
    """The model and the settings of an answer. `preset_version` None: without a preset."""

    model: str
    revision: str
    quantization: str
    engine: str
    preset_name: str
    preset_version: int | None
    sampling: str
    prompt_sha256: str
    dropped_turns: str


def origin_of(provenance: Provenance | None, presets: Mapping[str, str]) -> AnswerOrigin | None:
    """Model and settings of an answer, if known. `presets` are names by id."""
    if provenance is None:
        return None
    preset = provenance.preset
    return AnswerOrigin(
        model=provenance.model,
        revision=provenance.revision,
        quantization=provenance.quantization,
        engine=provenance.engine,
        preset_name=presets.get(preset.id, preset.id) if preset else "",
        preset_version=preset.version if preset else None,
        sampling=provenance.sampling.summary(),
        prompt_sha256=provenance.prompt_sha256,
        dropped_turns=str(provenance.dropped_turns or ""),
    )


def cost_of(usage: Usage | None, timing: Timing | None) -> Sequence[tuple[str, str]]:
    """Tokens and times of an answer by the names of their labels."""
    tokens = [("tokens", f"{usage.prompt_tokens} + {usage.completion_tokens}")] if usage else []
    if timing is None:
        return tokens
    return [
        *tokens,
        ("queue", f"{timing.queue_s:.2f} s"),
        ("first-token", f"{timing.ttft_s:.2f} s"),
        ("total", f"{timing.total_s:.2f} s"),
        ("rate", f"{timing.decode_tokens_per_s:.1f}/s"),
    ]
