"""The area around the input box: context usage, warnings, presets; names are escaped."""

import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from chat.conversations.context_usage import ContextUsage
from chat.conversations.models import Attachment, Preset, PresetText
from chat.conversations.presets import Presets
from chat.models import ChatOptions, PresetRef, Sampling
from chat.serving.models import EngineState, Phase
from i18n import Language
from ui import chrome, composing, preset_panel
from ui.view import ChosenPreset, HeldFile

HOSTILE = '<img src=x onerror="x">\'&'
ROOMY = ContextUsage(system=100, history=200, draft=50, room=250, limit=1000)


def preset(name: str = "Maths", system_prompt: str = "Count.") -> Preset:
    words = PresetText(name, system_prompt)
    return Preset(PresetRef("p1", 2), "me", False, words, datetime.now(UTC))


@pytest.mark.parametrize(
    ("measured", "level"),
    [
        (ROOMY, "low"),
        (replace(ROOMY, draft=299), "low"),
        (replace(ROOMY, draft=300), "high"),
        (replace(ROOMY, dropped_turns=1), "over"),
        (replace(ROOMY, fits=False), "over"),
    ],
)
def test_context_usage_is_amber_from_four_fifths_and_red_when_turns_are_dropped(
    measured: ContextUsage, level: str
) -> None:
    assert f'class="gauge {level}"' in composing.context_usage(measured, Language.EN)


def test_context_usage_never_exceeds_its_bar() -> None:
    rendered = composing.context_usage(
        ContextUsage(0, 0, 9000, 2000, 1000, fits=False), Language.EN
    )
    assert 'style="width:100.0%"' in rendered
    assert 'aria-valuenow="1000"' in rendered


@pytest.mark.parametrize(
    ("measured", "sentence"),
    [
        (ROOMY, ""),
        (replace(ROOMY, dropped_turns=1), "The oldest turn will not fit"),
        (replace(ROOMY, dropped_turns=3), "The oldest 3 turns will not fit"),
        (replace(ROOMY, draft=850, fits=False), "too long by about 400 tokens"),
    ],
)
def test_a_warning_precedes_a_prompt_that_does_not_fit(
    measured: ContextUsage, sentence: str
) -> None:
    rendered = composing.warning(measured, Language.EN)
    assert sentence in rendered
    assert bool(rendered) == bool(sentence)


@pytest.mark.parametrize("language", Language)
@pytest.mark.parametrize(
    ("measured", "asked"),
    [
        (ContextUsage(0, 0, 0, 250, 1000, dropped_turns=1, dropped=900), "900"),
        (ContextUsage(10, 0, 850, 250, 1000, dropped_turns=2, fits=False), "860"),
    ],
)
def test_the_figures_beside_a_warning_are_those_of_the_warning(
    measured: ContextUsage, asked: str, language: Language
) -> None:
    usage, words = (
        made(measured, language) for made in (composing.context_usage, composing.warning)
    )
    assert f"<span>{asked} / 750</span>" in usage
    assert {asked, "750"} <= set(re.findall(r"\d+", words))


def test_the_chip_shows_that_the_settings_differ_from_the_preset() -> None:
    chosen = ChosenPreset(preset(), newest=2)
    options = Presets.options_of(chosen.preset)
    assert composing.preset_label(options, chosen, Language.EN) == "Maths v2"
    other = replace(options, sampling=Sampling(temperature=0))
    assert composing.preset_label(other, chosen, Language.EN) == "Maths v2 · changed"


def test_no_name_and_no_text_becomes_markup() -> None:
    hostile = preset(name=HOSTILE, system_prompt=HOSTILE)
    hostile = replace(hostile, text=replace(hostile.text, questions=(HOSTILE,)))
    chosen = ChosenPreset(hostile, newest=3)
    file = HeldFile(Attachment(HOSTILE, HOSTILE), 3, pasted=True)
    rendered = [
        composing.files({"f1": file}, Language.EN, with_text=True),
        composing.chips(ChatOptions(), chosen, Sampling(), Language.EN),
        composing.refusal_ahead(HOSTILE),
        preset_panel.cards([hostile], "me", chosen, Language.EN),
        preset_panel.form(hostile.text, "p1", Language.EN, HOSTILE),
    ]
    assert not [markup for markup in rendered if "<img" in markup or 'onerror="' in markup]


def test_the_empty_page_offers_the_questions_of_the_preset() -> None:
    chosen_preset = replace(preset(), text=replace(preset().text, questions=("One?", "Two?")))
    state = EngineState(Phase.READY)
    rendered = chrome.welcome(
        None, state, Language.EN, chosen=ChosenPreset(chosen_preset, newest=2)
    )
    assert rendered.count('data-do="example"') == 2
    assert "<h1>Maths</h1>" in rendered


def test_a_line_break_that_begins_a_field_is_not_lost() -> None:
    rendered = preset_panel.form(PresetText("A", "\nsecond line"), "", Language.EN)
    assert ">\n\nsecond line</textarea>" in rendered
