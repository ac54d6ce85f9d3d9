"""Bounds and checks of plans, surveys and comments, and the fields that testers fix.

Pure: knows no store and no user.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields, replace
from hashlib import sha256
from typing import TypeVar
from uuid import uuid4

from chat.campaigns.errors import BadPlan
from chat.campaigns.models import (
    Mode,
    Plan,
    SurveyQuestion,
    Task,
    Variant,
)
from chat.conversations.validation import check_options
from chat.errors import MessageTooLong
from chat.models import ChatOptions
from chat.validation import IN_BOUNDS, check_text, is_bounded

MAX_TITLE = 200
MAX_LABEL = 60
"""Characters: of a variant's name, of a reason, of an end of a scale."""

MAX_SENTENCE = 500
"""Of a task's title and of a question of the survey."""

MAX_TEXT = 20_000
"""Of the consent, the thanks, a task's instructions and its question."""

MAX_VOTE_COMMENT = 20_000
MAX_SURVEY_TEXT = 20_000
"""Characters."""

MAX_NOTICE = 500
"""Characters of what a host tells all testers."""

MOST_HOURS = 24 * 365
"""Hours by which a campaign is extended at once."""

MAX_EARLIER_VOTES = 50
"""How often a tester changes one vote."""

MOST_TASKS = 50
MOST_QUESTIONS = 30
MOST_REASONS = 20
MOST_OPTIONS = 20
MOST_DAYS = 3650
MOST_VARIANTS = 8
VARIANTS = {Mode.SINGLE: (1, 1), Mode.BLIND: (2, MOST_VARIANTS), Mode.SPLIT: (2, 2)}
"""Fewest and most variants."""

LANGUAGES = frozenset({"", "en", "zh"})

FREE = frozenset(
    {"title", "tasks", "thanks", "starts_at", "ends_at", "other_title", "other_thanks"}
)
"""Fields that may change while there are testers; of tasks only the texts."""

Numbered = TypeVar("Numbered", Task, SurveyQuestion)
Piece = TypeVar("Piece")


def check_plan(plan: Plan) -> Plan:
    """A plan in the form that is stored: stripped, its tasks and questions with ids.

    Raises BadPlan, naming the first field that is wrong, InvalidSetting, MessageTooLong, BadText.
    """
    checked = _checked(plan, least=1)
    if plan.starts_at and plan.ends_at and plan.starts_at >= plan.ends_at:
        raise BadPlan(field="ends_at", limit=0)
    fewest, most = VARIANTS[plan.mode]
    if not fewest <= len(plan.variants) <= most:
        raise BadPlan(field="variants", limit=most)
    if len({variant.name for variant in checked.variants}) < len(checked.variants):
        raise BadPlan(field="variants", limit=0)
    return checked


def check_draft(plan: Plan) -> Plan:
    """A half-written plan in the form that is stored: within the bounds, with anything missing.

    Raises what `check_plan` raises.
    """
    return _checked(plan, least=0)


def _checked(plan: Plan, least: int) -> Plan:
    """`least` characters have the texts that a whole plan must have."""
    for name, at in (("starts_at", plan.starts_at), ("ends_at", plan.ends_at)):
        if at and not is_bounded(at):
            message = f"A campaign begins and ends within {IN_BOUNDS}."
            raise BadPlan(message, field=name, part="date", limit=0)
    if plan.keep_days is not None and not 1 <= plan.keep_days <= MOST_DAYS:
        raise BadPlan(field="keep_days", limit=MOST_DAYS)
    if plan.language not in LANGUAGES:
        raise BadPlan(field="language", limit=0)
    tasks, survey = (
        _few(plan.tasks, "tasks", MOST_TASKS),
        _few(plan.survey, "survey", MOST_QUESTIONS),
    )
    return replace(
        plan,
        title=_line(plan.title, "title", MAX_TITLE, least),
        variants=_variants(plan, least),
        tasks=_numbered(_task(task, least) for task in tasks),
        consent=_text(plan.consent, "consent"),
        survey=_numbered(_question(question, least) for question in survey),
        reasons=_reasons(plan.reasons),
        thanks=_text(plan.thanks, "thanks"),
        other_title=_line(plan.other_title, "other_title", MAX_TITLE, 0),
        other_consent=_text(plan.other_consent, "other_consent"),
        other_thanks=_text(plan.other_thanks, "other_thanks"),
    )


def check_notice(text: str) -> str:
    """One paragraph. Raises MessageTooLong, BadText."""
    if len(text) > MAX_NOTICE:
        raise MessageTooLong(field="notice", characters=len(text), limit=MAX_NOTICE)
    return " ".join(check_text(text).split())


def fixed_change(before: Plan, after: Plan) -> str | None:
    """The first changed field that testers' answers depend on, or that they were promised."""
    for name in (item.name for item in fields(Plan)):
        if name not in FREE and getattr(before, name) != getattr(after, name):
            return name
    same_cards = [task.id for task in before.tasks] == [task.id for task in after.tasks]
    return None if same_cards else "tasks"


def copied(plan: Plan) -> Plan:
    """The plan for another campaign: without dates."""
    return replace(plan, starts_at=None, ends_at=None)


def consent_digest(plan: Plan) -> str:
    """The SHA-256 of the consent text, in both languages where there are two."""
    texts = [plan.consent, plan.other_consent] if plan.other_consent else [plan.consent]
    return sha256("\0".join(texts).encode()).hexdigest()


def options_of(variant: Variant) -> ChatOptions:
    """The options of a conversation with this variant."""
    return ChatOptions(variant.system_prompt, variant.sampling, variant.preset)


def engines_of(plan: Plan) -> frozenset[str]:
    """The engines that its variants name; the default engine has no name."""
    return frozenset(variant.engine for variant in plan.variants if variant.engine)


def refuse_unknown_engines(plan: Plan, engines: Collection[str]) -> None:
    """Raises BadPlan for a variant whose engine is not among `engines`."""
    if not engines_of(plan) <= set(engines):
        raise BadPlan(field="variants.engine", limit=0)


def _variants(plan: Plan, least: int) -> tuple[Variant, ...]:
    for variant in plan.variants:
        check_options(options_of(variant))
        _text(variant.engine, "variants.engine", MAX_LABEL)
    return tuple(
        replace(variant, name=_line(variant.name, "variants.name", MAX_LABEL, least))
        for variant in _few(plan.variants, "variants", MOST_VARIANTS)
    )


def _task(task: Task, least: int) -> Task:
    return replace(
        task,
        title=_line(task.title, "tasks.title", MAX_SENTENCE, least),
        other_title=_line(task.other_title, "tasks.other_title", MAX_SENTENCE, 0),
        other_instructions=_text(task.other_instructions, "tasks.other_instructions"),
        other_question=_text(task.other_question, "tasks.other_question"),
        instructions=_text(task.instructions, "tasks.instructions"),
        question=_text(task.question, "tasks.question"),
    )


def _question(question: SurveyQuestion, least: int) -> SurveyQuestion:
    kind = question.kind
    options = _options(question.options, "options") if kind.has_options else ()
    others = _options(question.other_options, "other_options") if kind.has_options else ()
    if least and kind.has_options and len(options) < 2:
        raise BadPlan(field="survey", part="options", limit=0)
    if others and len(others) != len(options):
        raise BadPlan(field="survey", part="other_options", limit=0)

    def end(text: str, name: str) -> str:
        return _text(text, f"survey.{name}", MAX_LABEL) if kind.numbers else ""

    return replace(
        question,
        text=_line(question.text, "survey.text", MAX_SENTENCE, least),
        other_text=_line(question.other_text, "survey.other_text", MAX_SENTENCE, 0),
        options=options,
        other_options=others,
        low=end(question.low, "low"),
        high=end(question.high, "high"),
        other_low=end(question.other_low, "other_low"),
        other_high=end(question.other_high, "other_high"),
    )


def _options(options: Sequence[str], name: str) -> tuple[str, ...]:
    """The options of a question, each once. Raises BadPlan."""
    tidy = (_line(text, f"survey.{name}", MAX_SENTENCE) for text in options if text.strip())
    kept = tuple(dict.fromkeys(tidy))
    if len(kept) > MOST_OPTIONS:
        raise BadPlan(field="survey", part=name, limit=MOST_OPTIONS)
    return kept


def _reasons(reasons: Sequence[str]) -> tuple[str, ...]:
    tidy = (_line(reason, "reasons", MAX_LABEL) for reason in reasons if reason.strip())
    return tuple(_few(list(dict.fromkeys(tidy)), "reasons", MOST_REASONS))


def _numbered(items: Iterable[Numbered]) -> tuple[Numbered, ...]:
    """Give each item an id: its own if it is unique, else a new one."""
    by_id: dict[str, Numbered] = {}
    for item in items:
        key = item.id if item.id and item.id not in by_id else uuid4().hex
        by_id[key] = replace(item, id=_text(key, "tasks", MAX_LABEL))
    return tuple(by_id.values())


def _few(items: Sequence[Piece], name: str, most: int) -> Sequence[Piece]:
    if len(items) > most:
        raise BadPlan(field=name, limit=most)
    return items


def _line(text: str, name: str, longest: int, least: int = 1) -> str:
    line = " ".join(_text(text, name, longest * 2).split())
    if not least <= len(line) <= longest:
        raise _bad(name, longest if line else 0)
    return line


def _text(text: str, name: str, longest: int = MAX_TEXT) -> str:
    if len(text) > longest:
        raise _bad(name, longest)
    return check_text(text).strip()


def _bad(name: str, limit: int) -> BadPlan:
    """The error for a field, or for a part of each item in a list: "tasks.title"."""
    field, _, part = name.partition(".")
    return BadPlan(field=field, part=part, limit=limit)
