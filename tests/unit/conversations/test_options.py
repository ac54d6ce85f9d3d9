"""The settings panel and the domain's options."""

from dataclasses import fields, replace

import pytest

from chat.conversations.errors import BadImport
from chat.models import ChatOptions, Sampling
from i18n import Language
from ui.composing import settings_without_field
from ui.options import NUMBERS, WITHOUT_FIELD, exactly, to_fields, to_options

HIDDEN = Sampling(
    presence_penalty=0.5, frequency_penalty=-0.25, min_new_tokens=3, stop=("a\nb", "END", "\r\n")
)


def sent(options: ChatOptions, **changed: object) -> ChatOptions:
    """The options of a panel that shows these, with changes of its fields."""
    fields = to_fields(options) | changed
    return to_options(
        str(fields["system_prompt"]),
        str(fields["stop"]),
        {name: fields[name] for name in NUMBERS},  # type: ignore[misc]
        preset=str(fields["preset"]),
        shown=str(fields["shown"]),
    )


def test_empty_fields_mean_the_defaults_of_the_model() -> None:
    assert to_options("  ", "", dict.fromkeys(NUMBERS)) == ChatOptions()


def test_zero_is_a_value() -> None:
    sampling = to_options("", "", {"temperature": 0.0, "top_k": 0.0, "seed": 0.0}).sampling
    assert (sampling.temperature, sampling.top_k, sampling.seed) == (0.0, 0, 0)


def test_stop_strings_are_lines_and_keep_their_spaces() -> None:
    assert to_options("", " END\r\n\n###\n", {}).sampling.stop == (" END", "###")


@pytest.mark.parametrize(
    "sampling",
    [
        Sampling(0.5, 0.9, 40, 1.1, 256, 7, ("END", "###")),
        Sampling(temperature=0.123456789, seed=2**53 - 1),
        Sampling(stop=("\n\n", "x")),
        Sampling(stop=("one\u2028line", "\x0c", "tab\t")),
        HIDDEN,
    ],
)
def test_settings_that_were_shown_are_sent_unchanged(sampling: Sampling) -> None:
    options = ChatOptions(" Be brief.\n", sampling)
    assert sent(options) == options


def test_every_setting_has_a_field_or_is_named_without_one() -> None:
    assert {*NUMBERS, "stop", *WITHOUT_FIELD} == {item.name for item in fields(Sampling)}


def test_a_changed_field_leaves_the_settings_without_a_field() -> None:
    options = ChatOptions("", HIDDEN)
    assert sent(options, temperature=0.5).sampling == replace(HIDDEN, temperature=0.5)
    changed = sent(options, stop="END\nSTOP").sampling
    assert changed == replace(HIDDEN, stop=("END", "STOP", "a\nb", "\r\n"))
    assert sent(options, stop="").sampling.stop == ("a\nb", "\r\n")


def test_a_cleared_field_is_unset() -> None:
    options = ChatOptions("", replace(HIDDEN, temperature=0.5))
    assert sent(options, temperature=None).sampling == HIDDEN


@pytest.mark.parametrize("shown", ["[]", "{", '{"seed": -1}', '{"colour": "red"}'])
def test_settings_that_the_page_never_wrote_are_refused(shown: str) -> None:
    with pytest.raises(BadImport):
        to_options("", "", {}, shown=shown)


def test_the_panel_names_what_it_has_no_field_for() -> None:
    named = settings_without_field(HIDDEN, Language.EN)
    assert named == (
        "Presence penalty 0.5 · Frequency penalty -0.25 · Minimum answer length (tokens) 3"
        ' · Stop strings "a\\nb" "\\r\\n"'
    )
    assert settings_without_field(Sampling(temperature=1.0, stop=("END",)), Language.EN) == ""


@pytest.mark.parametrize("number", [0.123456789, 1.0, 1e-7, 2**53 - 1, 40])
def test_a_number_is_written_exactly(number: float) -> None:
    assert float(exactly(number)) == number
