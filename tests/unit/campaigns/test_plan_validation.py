"""Bounds of a plan, and the fields that may change while there are testers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from chat.campaigns.errors import BadPlan
from chat.campaigns.models import (
    Campaign,
    Mode,
    Plan,
    QuestionKind,
    SurveyQuestion,
    Task,
    Variant,
)
from chat.campaigns.validation import (
    MAX_TEXT,
    MOST_QUESTIONS,
    MOST_REASONS,
    MOST_TASKS,
    check_plan,
    fixed_change,
)
from chat.errors import BadText, InvalidSetting
from chat.models import Sampling

NOW = datetime(2026, 1, 1, tzinfo=UTC)
A, B = Variant("A"), Variant("B")
PLAN = Plan("Title", Mode.SINGLE, (A,))
SCALE = SurveyQuestion("q", QuestionKind.SCALE, "How?", "bad", "good")


def test_a_plan_is_normalised_and_its_parts_get_ids() -> None:
    plan = replace(
        PLAN,
        title="  A \n title ",
        tasks=(Task("", " One "), Task("same", "Two"), Task("same", "Three")),
        survey=(replace(SCALE, id=""), SurveyQuestion("t", QuestionKind.TEXT, "Why?", "low", "x")),
        reasons=("dull", " ", "dull", " wrong  facts "),
        consent=" Yes?\n",
    )
    checked = check_plan(plan)
    assert (checked.title, checked.consent, checked.reasons) == (
        "A title",
        "Yes?",
        ("dull", "wrong facts"),
    )
    assert [task.title for task in checked.tasks] == ["One", "Two", "Three"]
    assert checked.tasks[1].id == "same"
    assert len({task.id for task in checked.tasks}) == 3
    assert all(question.id for question in checked.survey)
    assert (checked.survey[1].low, checked.survey[1].high) == ("", "")
    assert check_plan(checked) == checked


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"variants": ()}, "variants"),
        ({"variants": (A, B)}, "variants"),
        ({"mode": Mode.BLIND}, "variants"),
        ({"mode": Mode.SPLIT, "variants": (A, A)}, "variants"),
        ({"variants": (Variant("x" * 61),)}, "variants"),
        ({"tasks": (Task("", "x"),) * (MOST_TASKS + 1)}, "tasks"),
        ({"tasks": (Task("", ""),)}, "tasks"),
        ({"tasks": (Task("", "x", "y" * (MAX_TEXT + 1)),)}, "tasks"),
        ({"survey": (SCALE,) * (MOST_QUESTIONS + 1)}, "survey"),
        ({"survey": (replace(SCALE, low="x" * 61),)}, "survey"),
        ({"consent": "x" * (MAX_TEXT + 1)}, "consent"),
        ({"thanks": "x" * (MAX_TEXT + 1)}, "thanks"),
        ({"reasons": tuple(map(str, range(MOST_REASONS + 1)))}, "reasons"),
        ({"reasons": ("x" * 61,)}, "reasons"),
        ({"starts_at": NOW, "ends_at": NOW}, "ends_at"),
        ({"keep_days": 0}, "keep_days"),
        ({"ends_at": datetime(9999, 12, 31, tzinfo=UTC)}, "ends_at"),
        ({"starts_at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))}, "starts_at"),
    ],
)
def test_the_first_invalid_field_is_named(change: dict[str, object], field: str) -> None:
    with pytest.raises(BadPlan) as refused:
        check_plan(replace(PLAN, **change))  # type: ignore[arg-type]
    assert refused.value.values["field"] == field


def test_settings_and_texts_are_checked_as_everywhere() -> None:
    with pytest.raises(InvalidSetting):
        check_plan(replace(PLAN, variants=(Variant("A", "", Sampling(temperature=9)),)))
    with pytest.raises(BadText):
        check_plan(replace(PLAN, consent="\ud800"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "x", "thanks": "y", "starts_at": NOW, "ends_at": NOW}, None),
        ({"tasks": (Task("t", "Other words", "x", "y"),)}, None),
        ({"tasks": ()}, "tasks"),
        ({"tasks": (Task("other", "One"),)}, "tasks"),
        ({"mode": Mode.SPLIT}, "mode"),
        ({"variants": (B,)}, "variants"),
        ({"consent": "x"}, "consent"),
        ({"survey": (SCALE,)}, "survey"),
        ({"reasons": ("x",)}, "reasons"),
        ({"keep_days": 1}, "keep_days"),
    ],
)
def test_fields_that_answers_depend_on_are_fixed(
    change: dict[str, object], field: str | None
) -> None:
    before = replace(PLAN, tasks=(Task("t", "One"),))
    assert fixed_change(before, replace(before, **change)) == field  # type: ignore[arg-type]


def test_a_campaign_ends_when_closed_or_at_its_end_date_whichever_is_first() -> None:
    later = NOW + timedelta(days=1)
    open_end = Campaign("c", "ann", PLAN, NOW)
    assert open_end.end is None
    assert replace(open_end, closed_at=NOW).end == NOW
    ending = replace(open_end, plan=replace(PLAN, ends_at=later))
    assert ending.end == later
    assert replace(ending, closed_at=NOW).end == NOW
