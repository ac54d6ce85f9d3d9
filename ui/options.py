"""Converts the settings panel's values to the domain's ChatOptions and back. Pure."""

from collections.abc import Mapping

from chat.models import ChatOptions, PresetRef, Sampling

NUMBERS = ("temperature", "top_p", "top_k", "repetition_penalty", "max_new_tokens", "seed")
"""The settings that are numbers, in the order of the panel."""

WHOLE = frozenset({"top_k", "max_new_tokens", "seed"})
"""Those without a fraction."""


def to_options(
    system_prompt: str, stop: str, numbers: Mapping[str, float | None], preset: str = ""
) -> ChatOptions:
    """The user's settings; an empty field is unset. The domain checks bounds."""
    whole = {
        name: int(value) for name, value in numbers.items() if name in WHOLE and value is not None
    }
    sampling = Sampling(
        temperature=numbers.get("temperature"),
        top_p=numbers.get("top_p"),
        top_k=whole.get("top_k"),
        repetition_penalty=numbers.get("repetition_penalty"),
        max_new_tokens=whole.get("max_new_tokens"),
        seed=whole.get("seed"),
        stop=tuple(line for line in stop.splitlines() if line),
    )
    return ChatOptions(system_prompt.strip(), sampling, PresetRef.parse(preset))


def to_fields(options: ChatOptions) -> dict[str, object]:
    """The panel's values by name."""
    sampling = options.sampling
    fields: dict[str, object] = {name: getattr(sampling, name) for name in NUMBERS}
    preset = f"{options.preset.id}@{options.preset.version}" if options.preset else ""
    words = {"system_prompt": options.system_prompt, "stop": "\n".join(sampling.stop)}
    return fields | words | {"preset": preset}
