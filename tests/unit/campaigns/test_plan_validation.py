"""Bounds of a plan, and the fields that may change while there are testers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

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
from chat.campaigns.translation import in_language
from chat.campaigns.validation import (
    MAX_TEXT,
    MOST_QUESTIONS,
    MOST_REASONS,
    MOST_TASKS,
    check_draft,
    check_plan,
    consent_digest,
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


def test_in_a_draft_anything_may_be_missing_but_nothing_is_out_of_bounds() -> None:
    empty = Plan("", Mode.BLIND, (), (Task("", ""),), survey=(replace(SCALE, text=""),))
    backwards = replace(empty, starts_at=NOW, ends_at=NOW - timedelta(days=1))
    for plan in (empty, backwards):
        assert check_draft(plan).title == ""
        with pytest.raises(BadPlan):
            check_plan(plan)
    with pytest.raises(BadPlan):
        check_draft(replace(empty, consent="x" * (MAX_TEXT + 1)))


def test_a_tester_reads_the_plan_in_their_language_and_what_is_missing_in_the_other() -> None:
    task = Task("t", "Ask", "So", other_title="提问")
    plan = replace(PLAN, tasks=(task,), survey=(replace(SCALE, other_low="差"),), language="en")
    chinese = in_language(plan, "zh")
    assert (chinese.title, chinese.tasks[0].title) == ("Title", "提问")
    assert (chinese.tasks[0].instructions, chinese.tasks[0].id) == ("So", "t")
    assert (chinese.survey[0].low, chinese.survey[0].high) == ("差", "good")
    assert in_language(plan, "en") == plan
    one = replace(plan, language="")
    assert in_language(one, "zh") == one


def test_the_digest_of_a_consent_covers_both_languages_and_is_as_before_with_one() -> None:
    one = replace(PLAN, consent="Yes")
    assert consent_digest(one) == sha256(b"Yes").hexdigest()
    assert consent_digest(replace(one, other_consent="同意")) != consent_digest(one)
