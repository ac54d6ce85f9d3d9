"""Where an answer came from, as hosts read it: model, settings and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.models import Provenance, Timing, Usage


@dataclass(frozen=True, slots=True)
class MadeWith:
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


def made_with(made: Provenance | None, presets: Mapping[str, str]) -> MadeWith | None:
    """What an answer was made with, where that is known. `presets` are names by id."""
    if made is None:
        return None
    preset = made.preset
    return MadeWith(
        model=made.model,
        revision=made.revision,
        quantization=made.quantization,
        engine=made.engine,
        preset_name=presets.get(preset.id, preset.id) if preset else "",
        preset_version=preset.version if preset else None,
        sampling=made.sampling.told(),
        prompt_sha256=made.prompt_sha256,
        dropped_turns=str(made.dropped_turns or ""),
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
