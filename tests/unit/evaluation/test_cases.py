"""Verdicts, validation and prompts of regression cases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from chat.conversations.models import Preset, PresetText
from chat.errors import BadText, InvalidSetting
from chat.evaluation.cases import draft_of
from chat.evaluation.errors import BadCase, BadCheck
from chat.evaluation.models import Case, CaseText, CaseVerdict, Check, CheckKind, EarlierAnswers
from chat.evaluation.runs import prompt_of, sampling_of
from chat.evaluation.shipped_cases import load_shipped_cases
from chat.evaluation.validation import MAX_EXPECTED, MAX_NAME, MOST_CHECKS, check_case
from chat.evaluation.verdicts import judge_answer
from chat.feedback.models import AnswerSnapshot, RatedAnswer, Rating, RatingInput
from chat.models import ChatMessage, PresetRef, Role, Sampling, Status
from chat.serving.observer import Source
from formats.cases import read_cases, write_cases
from judging.judge import ProcessJudge

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PROMPT = (ChatMessage(Role.SYSTEM, "Be brief."), ChatMessage(Role.USER, "Capital of France?"))
CONTAINS, HUMAN = Check(CheckKind.CONTAINS, "Paris"), Check(CheckKind.HUMAN)
PRESET = Preset(
    PresetRef("p", 3), "ann", False, PresetText("P", "Be kind.", Sampling(0.7, top_p=0.5)), NOW
)


class Literal:
    """A judge to whom an answer holds if it is what is expected; nothing else can be read."""

    async def read(self, check: Check) -> None:
        if check.expected == "(":
            raise BadCheck(why="unterminated")

    async def holds(self, check: Check, answer: str) -> bool:
        return check.expected == answer


def case(*checks: Check, **more: Any) -> Case:
    return replace(Case("c", "ann", "Capital", PROMPT, checks, NOW), **more)


async def verdict(
    answer: str, *checks: Check, before: EarlierAnswers | None = None, **more: Any
) -> object:
    judged = await judge_answer(
        case(*checks, **more), answer, before or EarlierAnswers(), Literal()
    )
    return judged.verdict, judged.failed


async def test_all_checks_must_hold() -> None:
    exact = Check(CheckKind.REGEX, "It is Paris.")
    assert await verdict("It is Paris.", CONTAINS, exact) == (CaseVerdict.PASSED, ())
    assert await verdict("It is Lyon.", exact, CONTAINS) == (CaseVerdict.FAILED, (0, 1))
    assert await verdict("Paris", exact, CONTAINS) == (CaseVerdict.FAILED, (0,))


async def test_contains_ignores_line_breaks() -> None:
    assert await verdict("New\n  York", Check(CheckKind.CONTAINS, "New York")) == (
        CaseVerdict.PASSED,
        (),
    )
    assert (await verdict("new york", Check(CheckKind.CONTAINS, "New York")))[
        0
    ] is CaseVerdict.FAILED  # type: ignore[index]


@pytest.mark.parametrize(
    ("answer", "reference", "before", "expected"),
    [
        ("new", "", EarlierAnswers(), CaseVerdict.OPEN),
        ("same", "same", EarlierAnswers(), CaseVerdict.OPEN),
        ("new", "complained of", EarlierAnswers(), CaseVerdict.CHANGED),
        ("new", "new", EarlierAnswers("last"), CaseVerdict.CHANGED),
        ("last", "complained of", EarlierAnswers("last"), CaseVerdict.OPEN),
        ("good", "bad", EarlierAnswers("bad", {"good": CaseVerdict.PASSED}), CaseVerdict.PASSED),
        ("bad", "x", EarlierAnswers("bad", {"bad": CaseVerdict.FAILED}), CaseVerdict.FAILED),
    ],
)
async def test_a_human_verdict_holds_for_the_same_answer_only(
    answer: str, reference: str, before: EarlierAnswers, expected: CaseVerdict
) -> None:
    judged = await judge_answer(case(HUMAN, reference=reference), answer, before, Literal())
    assert judged.verdict is expected
    assert judged.failed == ((0,) if expected is CaseVerdict.FAILED else ())


async def test_an_answer_that_fails_checks_needs_no_human_verdict() -> None:
    good = EarlierAnswers(judged={"Lyon": CaseVerdict.PASSED})
    assert await verdict("Lyon", CONTAINS, HUMAN, before=good) == (CaseVerdict.FAILED, (0,))


def rated(*corrections: str | None) -> RatedAnswer:
    snapshot = AnswerSnapshot(
        id="e",
        answer_id="a",
        owner_id="ann",
        source=Source.PAGE,
        prompt=PROMPT,
        answer="Lyon",
        status=Status.DONE,
        made_at=NOW,
    )
    ratings = [
        Rating("e", f"rater {n}", 1, RatingInput(correction=correction), NOW.replace(hour=n))
        for n, correction in enumerate(corrections)
    ]
    return RatedAnswer(snapshot, tuple(ratings))


@pytest.mark.parametrize(
    ("corrections", "check"),
    [
        (("Lyons", "Paris"), Check(CheckKind.CONTAINS, "Paris")),
        (("Paris", None), Check(CheckKind.CONTAINS, "Paris")),
        (("It is\nParis.",), Check(CheckKind.HUMAN, "It is\nParis.")),
        (("x" * 500,), Check(CheckKind.HUMAN, "x" * 500)),
        ((), HUMAN),
    ],
)
def test_a_case_of_a_disliked_answer_has_its_prompt_and_the_newest_correction(
    corrections: Sequence[str | None], check: Check
) -> None:
    draft = draft_of(rated(*corrections))
    assert draft == CaseText(
        "Capital of France?", PROMPT, (check,), reference="Lyon", snapshot_id="e"
    )


TEXT = CaseText("Capital", PROMPT, (CONTAINS,))


@pytest.mark.parametrize(
    "text",
    [
        replace(TEXT, name="  "),
        replace(TEXT, name="x" * (MAX_NAME + 1)),
        replace(TEXT, name="a\nb"),
        replace(TEXT, prompt=()),
        replace(TEXT, prompt=(ChatMessage(Role.USER, " "),)),
        replace(TEXT, prompt=PROMPT[:1]),
        replace(TEXT, checks=()),
        replace(TEXT, checks=(CONTAINS,) * (MOST_CHECKS + 1)),
        replace(TEXT, checks=(Check(CheckKind.CONTAINS, " "),)),
        replace(TEXT, checks=(Check(CheckKind.HUMAN, "x" * (MAX_EXPECTED + 1)),)),
    ],
)
async def test_an_invalid_case_is_refused(text: CaseText) -> None:
    with pytest.raises(BadCase):
        await check_case(text, Literal())


async def test_a_check_that_cannot_be_read_is_named_by_its_number() -> None:
    with pytest.raises(BadCheck) as refused:
        await check_case(replace(TEXT, checks=(HUMAN, Check(CheckKind.REGEX, "("))), Literal())
    assert str(refused.value) == "check 2: unterminated"
    assert refused.value.values == {"why": "unterminated", "field": "checks", "number": 2}


async def test_bounds_of_texts_and_settings_hold_for_cases_too() -> None:
    with pytest.raises(BadText):
        await check_case(replace(TEXT, reference="\0"), Literal())
    with pytest.raises(InvalidSetting):
        await check_case(replace(TEXT, sampling=Sampling(temperature=9)), Literal())
    assert (await check_case(replace(TEXT, name=" Capital "), Literal())).name == "Capital"


def test_a_presets_system_prompt_replaces_the_cases_own() -> None:
    assert prompt_of(case(), None) == PROMPT
    assert prompt_of(case(), PRESET) == [ChatMessage(Role.SYSTEM, "Be kind."), PROMPT[1]]
    bare = replace(PRESET, text=replace(PRESET.text, system_prompt=" "))
    assert prompt_of(case(), bare) == [PROMPT[1]]


def test_a_run_decodes_greedily_unless_the_case_sets_otherwise() -> None:
    assert sampling_of(case(), None) == Sampling(temperature=0, seed=0)
    assert sampling_of(case(), PRESET) == Sampling(temperature=0, top_p=0.5, seed=0)
    wild = case(sampling=Sampling(temperature=1, top_p=0.9, seed=7))
    assert sampling_of(wild, PRESET) == Sampling(temperature=1, top_p=0.9, seed=7)


def test_a_partial_answer_at_the_end_of_a_prompt_is_kept_in_a_file() -> None:
    begun = ChatMessage(Role.ASSISTANT, "It is ", partial=True)
    whole = replace(begun, partial=False)
    for last in (begun, whole):
        (text,) = read_cases(write_cases([case(CONTAINS, prompt=(*PROMPT, last))]))
        assert text.prompt == (*PROMPT, last)


async def test_the_shipped_cases_can_be_stored_and_exported() -> None:
    shipped = load_shipped_cases()
    assert {case.id.rpartition(".")[2] for case in shipped} == {"en", "zh"}
    texts = read_cases(write_cases(shipped))
    assert [text.key for text in texts] == [case.id for case in shipped]
    written = [
        (text.name, text.prompt, text.checks, text.sampling, text.reference) for text in texts
    ]
    assert written == [(c.name, c.prompt, c.checks, c.sampling, c.reference) for c in shipped]
    judge = ProcessJudge(timeout_s=60)
    patterns = (CheckKind.REGEX, CheckKind.JSON_SCHEMA)
    for check in {check for text in texts for check in text.checks if check.kind in patterns}:
        await judge.read(check)
