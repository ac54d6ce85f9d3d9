"""Where an answer came from, as hosts read it: what the model was told, what wrote it, how long."""

from collections.abc import Mapping, Sequence
from html import escape

from chat.models import ChatMessage, Provenance, Timing, Usage
from pages.html import ReaderContext


def origin_list(reader: ReaderContext, values: Mapping[str, str]) -> str:
    """Names and escaped values, without those that are empty."""
    said = "".join(
        f"<dt>{reader.say(f'origin-{name}')}</dt><dd>{value}</dd>"
        for name, value in values.items()
        if value
    )
    return f'<dl class="origin">{said}</dl>'


def made_with(made: Provenance | None, presets: Mapping[str, str]) -> Mapping[str, str]:
    """What an answer was made with. `presets` are names by id."""
    if made is None:
        return {}
    preset = made.preset
    name = presets.get(preset.id, preset.id) if preset else ""
    sampling = {
        name: getattr(made.sampling, name)
        for name in made.sampling.__dataclass_fields__
        if getattr(made.sampling, name) not in (None, ())
    }
    return {
        "model": f"<bdi>{escape(made.model)}</bdi>",
        "revision": f"<code>{escape(made.revision)}</code>",
        "quantization": escape(made.quantization),
        "engine": escape(made.engine),
        "preset": f"<bdi>{escape(name)}</bdi> · {preset.version}" if preset else "",
        "sampling": escape(", ".join(f"{key} {value}" for key, value in sampling.items())),
        "prompt-sha256": f"<code>{escape(made.prompt_sha256)}</code>",
        "dropped-turns": str(made.dropped_turns or ""),
    }


def spent(usage: Usage | None, timing: Timing | None) -> Mapping[str, str]:
    """What an answer took."""
    return {
        "tokens": f"{usage.prompt_tokens} + {usage.completion_tokens}" if usage else "",
        "queue": f"{timing.queue_s:.2f} s" if timing else "",
        "first-token": f"{timing.ttft_s:.2f} s" if timing else "",
        "total": f"{timing.total_s:.2f} s" if timing else "",
        "rate": f"{timing.decode_tokens_per_s:.1f}/s" if timing else "",
    }


def turn(reader: ReaderContext, said: ChatMessage) -> str:
    """One message that the model was told, letter by letter."""
    calls = "".join(
        f"<pre>{escape(call.name)} {escape(call.arguments)}</pre>" for call in said.calls
    )
    return (
        f'<div class="turn"><h3>{reader.say(f"role-{said.role}")}</h3>'
        f'<div class="words" dir="auto">{escape(said.content)}</div>{calls}</div>'
    )


def folded_turns(reader: ReaderContext, turns: Sequence[ChatMessage]) -> str:
    """Those before the question, folded up; nothing where there are none."""
    if not turns:
        return ""
    summary = reader.say("turns-before", count=len(turns))
    said = "".join(turn(reader, one) for one in turns)
    return f"<details><summary>{summary}</summary>{said}</details>"
