"""The presets that come with the app are complete, in both languages, and safe to offer."""

import re

import pytest

from chat.conversations.models import PresetText
from chat.conversations.presets import load_shipped
from chat.conversations.validation import check_preset
from chat.models import Sampling
from chat.validation import BOUNDS

SHIPPED = load_shipped()
KINDS = {
    "assistant",
    "service",
    "copywriting",
    "maths",
    "code",
    "report",
    "translation",
    "roleplay",
    "extraction",
    "table",
}
MEET_THE_SICK_AND_THE_SUED = {
    "assistant",
    "service",
    "copywriting",
    "translation",
    "roleplay",
    "table",
}
"""Where a medical or legal question can come; the others do sums, code, queries and JSON."""

PROFESSIONALS = {"zh": ("医生", "律师"), "en": ("doctor", "lawyer")}
GREEDY = {"extraction", "table"}
LONGEST_PROMPT = 1_200

every = pytest.mark.parametrize(("preset_id", "text"), SHIPPED.items(), ids=SHIPPED.keys())


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_preset_exists_in_both_languages(language: str) -> None:
    ids = [preset_id for preset_id, text in SHIPPED.items() if text.language == language]
    assert set(ids) == {f"{kind}.{language}" for kind in KINDS}


def test_both_languages_list_presets_in_the_same_order() -> None:
    english, chinese = (
        [preset_id.partition(".")[0] for preset_id in SHIPPED if preset_id.endswith(language)]
        for language in (".en", ".zh")
    )
    assert english == chinese


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_both_languages_use_the_same_sampling(kind: str) -> None:
    assert SHIPPED[f"{kind}.zh"].sampling == SHIPPED[f"{kind}.en"].sampling


@every
def test_a_shipped_preset_passes_the_checks_of_user_presets(
    preset_id: str, text: PresetText
) -> None:
    assert check_preset(text) == text


@every
def test_a_shipped_preset_stays_within_the_bounds_of_sampling(
    preset_id: str, text: PresetText
) -> None:
    set_here = {name: getattr(text.sampling, name) for name in BOUNDS}
    for name, value in set_here.items():
        assert value is None or BOUNDS[name][0] <= value <= BOUNDS[name][1]
    assert text.sampling.seed is None, "every answer would be the same"


@every
def test_a_shipped_preset_leaves_the_context_to_the_conversation(
    preset_id: str, text: PresetText
) -> None:
    assert 100 < len(text.system_prompt) <= LONGEST_PROMPT


@every
def test_a_shipped_preset_offers_at_least_three_different_questions(
    preset_id: str, text: PresetText
) -> None:
    assert len(set(text.questions)) == len(text.questions) >= 3


@every
def test_the_words_are_in_the_language_of_the_preset(preset_id: str, text: PresetText) -> None:
    chinese = bool(re.search(r"[\u4e00-\u9fff]", text.name + text.system_prompt))
    assert chinese is (text.language == "zh")


@every
def test_a_preset_that_meets_medical_or_legal_questions_sends_them_to_a_professional(
    preset_id: str, text: PresetText
) -> None:
    if preset_id.partition(".")[0] in MEET_THE_SICK_AND_THE_SUED:
        assert all(word in text.system_prompt for word in PROFESSIONALS[text.language])


@every
def test_presets_for_exact_tasks_are_greedy(preset_id: str, text: PresetText) -> None:
    kind = preset_id.partition(".")[0]
    assert (text.sampling.temperature == 0) is (kind in GREEDY)


def test_the_assistant_keeps_the_models_own_sampling() -> None:
    assert SHIPPED["assistant.zh"].sampling == Sampling()
