"""Converts the settings panel's values to the domain's ChatOptions and back. Pure.

The panel has no field for some settings. They travel with it, in `shown`: all settings as they were
when the fields were filled, as JSON. What the user did not change stays as it was.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from chat.models import ChatOptions, PresetRef, Sampling
from formats.sampling import read_sampling, write_sampling

NUMBERS = ("temperature", "top_p", "top_k", "repetition_penalty", "max_new_tokens", "seed")
"""The settings that are numbers, in the order of the panel."""

WHOLE = frozenset({"top_k", "max_new_tokens", "seed"})
"""Those without a fraction."""

WITHOUT_FIELD = ("presence_penalty", "frequency_penalty", "min_new_tokens")
"""The settings that the panel does not show."""

LINE_ENDS = re.compile(r"\r\n|\r|\n")


def to_options(
    system_prompt: str,
    stop: str,
    numbers: Mapping[str, float | None],
    *,
    preset: str = "",
    shown: str = "",
) -> ChatOptions:
    """The user's settings; an empty field is unset. The domain checks bounds.

    Raises BadImport when `shown` is not what the page wrote.
    """
    before = read_sampling(shown) if shown else Sampling()
    values = {
        name: int(value) if name in WHOLE and value is not None else value
        for name, value in ((name, numbers.get(name)) for name in NUMBERS)
    }
    sampling = replace(before, **values, stop=_stop_strings(stop, before.stop))  # type: ignore[arg-type]
    prompt = system_prompt if system_prompt.strip() else ""
    return ChatOptions(prompt, sampling, PresetRef.parse(preset))


def to_fields(options: ChatOptions) -> dict[str, object]:
    """The panel's values by name."""
    sampling = options.sampling
    values: dict[str, object] = {name: getattr(sampling, name) for name in NUMBERS}
    preset = f"{options.preset.id}@{options.preset.version}" if options.preset else ""
    return values | {
        "system_prompt": options.system_prompt,
        "stop": stop_lines(sampling),
        "preset": preset,
        "shown": write_sampling(sampling),
    }


def stop_lines(sampling: Sampling) -> str:
    """The stop strings that a field of lines can show."""
    return "\n".join(stop for stop in sampling.stop if not LINE_ENDS.search(stop))


def without_field(sampling: Sampling) -> Sampling:
    """Only the settings that no field shows, stop strings with line ends among them."""
    stop = tuple(item for item in sampling.stop if LINE_ENDS.search(item))
    return replace(Sampling(), stop=stop, **{n: getattr(sampling, n) for n in WITHOUT_FIELD})


def exactly(value: float | None) -> str:
    """A number as text that is read as the same number; empty when unset."""
    return "" if value is None else str(value).removesuffix(".0")


def _stop_strings(lines: str, before: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of the field, with what it cannot show; in the same order if nothing changed."""
    written = [line for line in LINE_ENDS.split(lines) if line]
    hidden = [stop for stop in before if LINE_ENDS.search(stop)]
    if written == [stop for stop in before if stop not in hidden]:
        return before
    return (*written, *hidden)
