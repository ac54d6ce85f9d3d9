"""The values of the form of a campaign's plan: variants, tasks and survey questions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from chat.campaigns.models import Mode, Plan, QuestionKind, SurveyQuestion, Task, Variant
from chat.campaigns.validation import (
    MAX_LABEL,
    MAX_SENTENCE,
    MAX_TEXT,
    MAX_TITLE,
    MOST_DAYS,
    MOST_QUESTIONS,
    MOST_TASKS,
    MOST_VARIANTS,
)
from chat.conversations.models import Preset
from chat.models import PresetRef, Sampling
from i18n import Language
from pages.campaigns.choices import NumberField, PlanOptions, number_field
from pages.html import PageLocale
from pages.i18n import words

HIDDEN = ("stop", "presence_penalty", "frequency_penalty", "min_new_tokens")
"""The settings of a variant that have no field; presets bring them."""

NUMBERS = ("temperature", "top_p", "top_k", "repetition_penalty", "max_new_tokens", "seed")
"""The fields of a variant's sampling, in the order of the form."""

REFUSALS = {
    "starts_at.date": "plan-dates",
    "ends_at.date": "plan-dates",
    "ends_at": "plan-ends_at",
    "keep_days": "plan-keep_days",
    "reasons": "plan-reasons",
    "variants": "plan-variants",
    "variants.engine": "plan-engine",
    "survey.options": "plan-options",
    "survey.other_options": "plan-other_options",
}
"""Fields that the server may reject, with the keys of the texts that the script shows then."""

LIMITS = {
    "title": MAX_TITLE,
    "label": MAX_LABEL,
    "sentence": MAX_SENTENCE,
    "text": MAX_TEXT,
    "system_prompt": 200_000,
    "days": MOST_DAYS,
    "tasks": MOST_TASKS,
    "questions": MOST_QUESTIONS,
    "variants": MOST_VARIANTS,
}
"""Most characters of texts, and most items of lists."""

EMPTY = Plan("", Mode.SINGLE, (Variant("A"), Variant("B")))
"""The initial values of a new campaign."""

Options = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class PresetOption:
    """A preset to choose. `fill_json` are the values that the script puts into the fields below."""

    value: str
    text: str
    selected: bool
    fill_json: str = ""


@dataclass(frozen=True, slots=True)
class VariantFields:
    """The values of a variant's card. `engines` is empty where there is no choice."""

    name: str
    engine: str
    engines: Options
    presets: Sequence[PresetOption]
    system_prompt: str
    numbers: Sequence[NumberField]
    hidden: Sequence[tuple[str, str]]


def plan_values(locale: PageLocale, plan: Plan, choices: PlanOptions) -> Mapping[str, object]:
    """The values of `campaigns/plan_form.html` that come from the plan and its options."""
    variants = [*plan.variants, *EMPTY.variants[len(plan.variants) :]]
    refusals = {name: locale.pattern(key) for name, key in REFUSALS.items()}
    return {
        "plan": plan,
        "languages_of_texts": [
            (value, locale.text(f"language-texts-{value or 'one'}")) for value in ("", *Language)
        ],
        "samples_json": json.dumps(
            {language: words(language)["sample-consent-text"] for language in Language},
            ensure_ascii=False,
        ),
        "modes": [(mode.value, locale.text(f"mode-{mode}")) for mode in Mode],
        "kinds": [(kind.value, locale.text(f"kind-{kind}")) for kind in QuestionKind],
        "variants": [_variant(locale, variant, choices) for variant in variants],
        "empty_variant": _variant(locale, Variant(""), choices),
        "empty_task": Task("", ""),
        "empty_question": SurveyQuestion("", QuestionKind.SCALE, ""),
        "limits": LIMITS,
        "refusals_json": json.dumps(refusals, ensure_ascii=False),
    }


def _variant(locale: PageLocale, variant: Variant, choices: PlanOptions) -> VariantFields:
    return VariantFields(
        name=variant.name,
        engine=variant.engine,
        engines=_engines(locale, variant.engine, choices.engines),
        presets=_presets(locale, variant.preset, choices.presets),
        system_prompt=variant.system_prompt,
        numbers=[number_field(name, variant.sampling) for name in NUMBERS],
        hidden=[*_hidden(variant.sampling).items()],
    )


def _engines(locale: PageLocale, chosen: str, engines: Sequence[str]) -> Options:
    """The engines to choose from, if there is a choice. A chosen one that is gone stays."""
    first, others = engines[:1], [name for name in engines[1:] if name != chosen]
    if not (others or chosen):
        return []
    text = locale.text("engine-first", name=first[0]) if first else locale.text("engine-only")
    options: list[tuple[str, str]] = [("", text)]
    if chosen:
        suffix = "" if chosen in engines else f" – {locale.pattern('engine-gone')}"
        options.append((chosen, f"{chosen}{suffix}"))
    return [*options, *((name, name) for name in others)]


def _presets(
    locale: PageLocale, chosen: PresetRef | None, presets: Sequence[Preset]
) -> Sequence[PresetOption]:
    """Without a preset, then all of them. A chosen version that is not the newest stays."""
    options = [PresetOption("", locale.text("no-preset"), chosen is None)]
    if chosen and chosen not in {preset.ref for preset in presets}:
        options.append(PresetOption(_reference(chosen), _reference(chosen), True))
    for preset in presets:
        is_chosen = preset.ref == chosen
        options.append(
            PresetOption(_reference(preset.ref), preset.text.name, is_chosen, _fill_json(preset))
        )
    return options


def _reference(ref: PresetRef) -> str:
    return f"{ref.id}@{ref.version}"


def _fill_json(preset: Preset) -> str:
    sampling = preset.text.sampling
    values: dict[str, object] = {name: getattr(sampling, name) for name in NUMBERS}
    values |= {"system_prompt": preset.text.system_prompt, **_hidden(sampling)}
    return json.dumps(values, ensure_ascii=False)


def _hidden(sampling: Sampling) -> Mapping[str, str]:
    """The settings without a field, each as JSON: what a preset brings must stay with its plan."""
    return {name: json.dumps(getattr(sampling, name)) for name in HIDDEN}
