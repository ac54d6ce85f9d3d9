"""The form of a campaign's plan: variants, tasks and questions that come and go in it."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from html import escape
from typing import TypeVar

from chat.campaigns.models import Mode, Plan, QuestionKind, SurveyQuestion, Task, Variant
from chat.campaigns.validation import (
    MAX_LABEL,
    MAX_SENTENCE,
    MAX_TEXT,
    MAX_TITLE,
    MOST_DAYS,
    MOST_QUESTIONS,
    MOST_TASKS,
)
from chat.conversations.models import Preset
from chat.models import PresetRef
from chat.validation import BOUNDS
from pages.campaigns.choices import PlanOptions
from pages.html import ReaderContext, form, hidden
from pages.i18n import words

NUMBERS = ("temperature", "top_p", "top_k", "repetition_penalty", "max_new_tokens", "seed")
"""Of a variant's sampling, in the order of the form."""

WHOLE = frozenset({"top_k", "max_new_tokens", "seed"})

REFUSALS = {
    "ends_at": "plan-ends_at",
    "keep_days": "plan-keep_days",
    "reasons": "plan-reasons",
    "variants": "plan-variants",
    "variants.engine": "plan-engine",
}
"""What is said where a field is refused, by its name, with the key of the words."""

EMPTY = Plan("", Mode.SINGLE, (Variant("A"), Variant("B")))
"""What a new campaign begins with."""

Item = TypeVar("Item")


def plan_form(
    reader: ReaderContext, plan: Plan, choices: PlanOptions, *, path: str, in_use: bool
) -> str:
    """`in_use` shuts what cannot be changed any more; tasks keep their place, not their words."""
    variants = [*plan.variants, *EMPTY.variants[len(plan.variants) :]]
    fixed = " disabled" if in_use else ""
    body = (
        _text(reader, "title", plan.title, MAX_TITLE, required=True)
        + f"<fieldset{fixed}>{_mode(reader, plan.mode)}"
        + _cards(
            reader,
            "variants",
            variants,
            lambda item: _variant(reader, item, choices),
        )
        + "</fieldset>"
        + _list(reader, "tasks", plan.tasks, _task, Task("", ""), MOST_TASKS, fixed=in_use)
        + f"<fieldset{fixed}>{_area(reader, 'consent', plan.consent, MAX_TEXT, rows=6)}"
        + _keep(reader, plan.keep_days)
        + _list(reader, "survey", plan.survey, _question, _NEW_QUESTION, MOST_QUESTIONS)
        + _area(
            reader,
            "reasons",
            "\n".join(plan.reasons),
            MAX_TEXT,
            rows=4,
        )
        + "</fieldset>"
        + _area(reader, "thanks", plan.thanks, MAX_TEXT, rows=3)
        + _moment(reader, "starts_at", plan.starts_at)
        + _moment(reader, "ends_at", plan.ends_at)
    )
    refusals = {name: words(reader.language)[key] for name, key in REFUSALS.items()}
    said = json.dumps(refusals, ensure_ascii=False)
    return form(reader, path, body, "save", then="go", plan="", refusals=said)


_NEW_QUESTION = SurveyQuestion("", QuestionKind.SCALE, "")


def _mode(reader: ReaderContext, mode: Mode) -> str:
    options = "".join(_option(one, reader.say(f"mode-{one}"), one is mode) for one in Mode)
    hints = "".join(
        f'<p class="hint" data-for="{one}" hidden>{reader.say(f"mode-{one}-info")}</p>'
        for one in Mode
    )
    return _select(reader, "mode", options) + hints


def _variant(reader: ReaderContext, variant: Variant, choices: PlanOptions) -> str:
    numbers = "".join(_number(reader, name, getattr(variant.sampling, name)) for name in NUMBERS)
    return (
        _text(reader, "name", variant.name, MAX_LABEL, words="field-variant", required=True)
        + _engine(reader, variant.engine, choices.engines)
        + _preset(reader, variant.preset, choices.presets)
        + _area(reader, "system_prompt", variant.system_prompt, 200_000, rows=4)
        + f"<details><summary>{reader.say('field-sampling')}</summary>"
        f'<p class="hint">{reader.say("sampling-hint")}</p><div class="numbers">{numbers}</div>'
        f"</details>{hidden('stop', json.dumps(variant.sampling.stop))}"
    )


def _engine(reader: ReaderContext, chosen: str, engines: Sequence[str]) -> str:
    """Nothing to see where there is nothing to choose. One that is gone stays chosen."""
    first, others = engines[:1], [name for name in engines[1:] if name != chosen]
    if not (others or chosen):
        return hidden("engine", "")
    said = reader.say("engine-first", name=first[0]) if first else reader.say("engine-only")
    options = _option("", said, not chosen)
    if chosen:
        gone = "" if chosen in engines else f" – {reader.say('engine-gone')}"
        options += _option(chosen, f"{escape(chosen)}{gone}", True)
    options += "".join(_option(name, escape(name), False) for name in others)
    return _select(reader, "engine", options)


def _preset(reader: ReaderContext, chosen: PresetRef | None, presets: Sequence[Preset]) -> str:
    """Choosing one fills the fields below. A version that is not the newest stays to choose."""
    options = _option("", reader.say("no-preset"), chosen is None)
    if chosen and chosen not in {preset.ref for preset in presets}:
        name = f"{chosen.id}@{chosen.version}"
        options += _option(name, escape(name), True)
    for preset in presets:
        name = f"{preset.ref.id}@{preset.ref.version}"
        filling = f' data-fill="{escape(_filling(preset))}"'
        options += _option(name, escape(preset.text.name), preset.ref == chosen, filling)
    return _select(reader, "preset", options, " data-fills")


def _filling(preset: Preset) -> str:
    sampling = preset.text.sampling
    values: dict[str, object] = {name: getattr(sampling, name) for name in NUMBERS}
    values |= {"system_prompt": preset.text.system_prompt, "stop": json.dumps(sampling.stop)}
    return json.dumps(values, ensure_ascii=False)


def _task(reader: ReaderContext, task: Task) -> str:
    return (
        hidden("id", task.id)
        + _text(reader, "title", task.title, MAX_SENTENCE, words="field-task", required=True)
        + _area(reader, "instructions", task.instructions, MAX_TEXT, rows=2)
        + _area(reader, "question", task.question, MAX_TEXT, rows=2)
    )


def _question(reader: ReaderContext, question: SurveyQuestion) -> str:
    kinds = "".join(
        _option(kind, reader.say(f"kind-{kind}"), kind is question.kind) for kind in QuestionKind
    )
    words = "field-question-text"
    return (
        hidden("id", question.id)
        + _text(reader, "text", question.text, MAX_SENTENCE, words=words, required=True)
        + _select(reader, "kind", kinds)
        + '<div class="numbers" data-scale>'
        + _text(reader, "low", question.low, MAX_LABEL)
        + _text(reader, "high", question.high, MAX_LABEL)
        + "</div>"
    )


def _keep(reader: ReaderContext, days: int | None) -> str:
    value = "" if days is None else f' value="{days}"'
    return (
        f'<label><span>{reader.say("field-keep_days")}</span><input name="keep_days" type="number" '
        f'min="1" max="{MOST_DAYS}" step="1"{value}></label>'
    )


def _moment(reader: ReaderContext, name: str, moment: datetime | None) -> str:
    """The script shows it in the reader's time zone."""
    at = f' data-at="{moment.isoformat()}"' if moment else ""
    return (
        f"<label><span>{reader.say(f'field-{name}')}</span>"
        f'<input name="{name}" type="datetime-local"{at}></label>'
    )


# --- things that come and go --------------------------------------------------------------------


def _list(  # noqa: PLR0913 - the parts of a list, in the order they are drawn
    reader: ReaderContext,
    name: str,
    items: Sequence[Item],
    draw: Callable[[ReaderContext, Item], str],
    empty: Item,
    most: int,
    *,
    fixed: bool = False,
) -> str:
    """Cards that can be added, moved and taken away, unless they are `fixed`."""
    tools = "" if fixed else _tools(reader)
    cards = "".join(f"<div data-item>{draw(reader, item)}{tools}</div>" for item in items)
    if fixed:
        return _frame(reader, name, cards)
    add = (
        f"<template><div data-item>{draw(reader, empty)}{tools}</div></template>"
        f'<button type="button" class="quiet" data-add data-most="{most}">'
        f"{reader.say(f'add-{name}')}</button>"
    )
    return _frame(reader, name, cards) + add


def _cards(
    reader: ReaderContext, name: str, items: Sequence[Item], draw: Callable[[Item], str]
) -> str:
    return _frame(reader, name, "".join(f"<div data-item>{draw(item)}</div>" for item in items))


def _frame(reader: ReaderContext, name: str, cards: str) -> str:
    return (
        f"<h3>{reader.say(f'field-{name}')}</h3>"
        f'<div class="cards" data-list="{name}" tabindex="-1">{cards}</div>'
    )


def _tools(reader: ReaderContext) -> str:
    buttons = "".join(
        f'<button type="button" class="quiet" data-move="{way}" aria-label="{reader.say(key)}" '
        f'title="{reader.say(key)}">{sign}</button>'
        for way, key, sign in (
            ("up", "move-up", "↑"),
            ("down", "move-down", "↓"),
            ("away", "move-away", "×"),
        )
    )
    return f'<div class="row tools">{buttons}</div>'


# --- fields -------------------------------------------------------------------------------------


def _text(
    reader: ReaderContext,
    name: str,
    value: str,
    longest: int,
    *,
    words: str = "",
    required: bool = False,
) -> str:
    must = " required" if required else ""
    return (
        f"<label><span>{reader.say(words or f'field-{name}')}</span><input "
        f'name="{name}" dir="auto" data-longest="{longest}" value="{escape(value)}"{must}></label>'
    )


def _area(reader: ReaderContext, name: str, value: str, longest: int, *, rows: int) -> str:
    # A line end right after the tag is not part of the text: one is given away.
    return (
        f"<label><span>{reader.say(f'field-{name}')}</span>"
        f'<textarea name="{name}" dir="auto" rows="{rows}" data-longest="{longest}">\n'
        f"{escape(value)}</textarea></label>"
    )


def _number(reader: ReaderContext, name: str, value: float | None) -> str:
    (low, high), step = BOUNDS[name], "1" if name in WHOLE else "any"
    shown = "" if value is None else f' value="{value}"'
    return (
        f"<label><span>{reader.say(f'field-{name}')}</span><input "
        f'name="{name}" type="number" step="{step}" min="{low}" max="{high}"{shown}></label>'
    )


def _select(reader: ReaderContext, name: str, options: str, more: str = "") -> str:
    said = reader.say(f"field-{name}")
    return f'<label><span>{said}</span><select name="{name}"{more}>{options}</select></label>'


def _option(value: str, said: str, chosen: bool, more: str = "") -> str:
    """`said` is escaped."""
    selected = " selected" if chosen else ""
    return f'<option value="{escape(value)}"{more}{selected}>{said}</option>'
