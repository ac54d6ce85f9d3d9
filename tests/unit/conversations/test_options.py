"""The settings panel and the domain's options."""

from chat.models import ChatOptions, Sampling
from ui.options import NUMBERS, to_fields, to_options


def test_empty_fields_mean_the_defaults_of_the_model() -> None:
    assert to_options("  ", "", dict.fromkeys(NUMBERS)) == ChatOptions()


def test_zero_is_a_value() -> None:
    sampling = to_options("", "", {"temperature": 0.0, "top_k": 0.0, "seed": 0.0}).sampling
    assert (sampling.temperature, sampling.top_k, sampling.seed) == (0.0, 0, 0)


def test_stop_strings_are_lines_and_keep_their_spaces() -> None:
    assert to_options("", " END\n\n###\n", {}).sampling.stop == (" END", "###")


def test_stored_settings_fill_the_same_fields() -> None:
    sampling = Sampling(0.5, 0.9, 40, 1.1, 256, 7, ("END", "###"))
    options = ChatOptions("Be brief.", sampling)
    fields = to_fields(options)
    numbers = {name: fields[name] for name in NUMBERS}
    again = to_options(str(fields["system_prompt"]), str(fields["stop"]), numbers)  # type: ignore[arg-type]
    assert again == options
