"""The texts of a plan in the language of a tester.

A text that is missing in that language is read in the plan's own.
"""

from dataclasses import fields, replace
from typing import TypeVar

from chat.campaigns.models import Plan, SurveyQuestion, Task

OTHER = "other_"

Texts = TypeVar("Texts", Plan, Task, SurveyQuestion)


def in_language(plan: Plan, language: str) -> Plan:
    """The plan as a reader of that language sees it."""
    if not plan.language or plan.language == language:
        return plan
    return replace(
        _translated(plan),
        tasks=tuple(map(_translated, plan.tasks)),
        survey=tuple(map(_translated, plan.survey)),
    )


def _translated(texts: Texts) -> Texts:
    names = [item.name for item in fields(texts) if item.name.startswith(OTHER)]
    others = {name.removeprefix(OTHER): getattr(texts, name) for name in names}
    return replace(texts, **{name: other for name, other in others.items() if other})
