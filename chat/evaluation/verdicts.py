"""The verdict on an answer: from the checks of the case, and from earlier human verdicts.

Patterns, schemas and algebra are evaluated by the `Judge`.
"""

from chat.evaluation.models import Case, CaseVerdict, Check, CheckKind, EarlierAnswers, Judgement
from chat.evaluation.ports import Judge


async def judge_answer(case: Case, answer: str, before: EarlierAnswers, judge: Judge) -> Judgement:
    """The verdict on an answer. Raises BadCheck, CheckTooCostly.

    With a HUMAN check, an answer identical to one judged before gets the same verdict; otherwise
    it is CHANGED if it differs from the earlier answer, else OPEN.
    """
    failed = [
        index
        for index, check in enumerate(case.checks)
        if check.kind is not CheckKind.HUMAN and not await holds(check, answer, judge)
    ]
    if failed:
        return Judgement(CaseVerdict.FAILED, tuple(failed))
    human = [i for i, check in enumerate(case.checks) if check.kind is CheckKind.HUMAN]
    if not human:
        return Judgement(CaseVerdict.PASSED)
    verdict = _human_verdict(case, answer, before)
    return Judgement(verdict, tuple(human) if verdict is CaseVerdict.FAILED else ())


async def holds(check: Check, answer: str, judge: Judge) -> bool:
    """Whether one check holds. Raises BadCheck, CheckTooCostly."""
    if check.kind is CheckKind.CONTAINS:
        return _one_space(check.expected) in _one_space(answer)
    return await judge.holds(check, answer)


def _human_verdict(case: Case, answer: str, before: EarlierAnswers) -> CaseVerdict:
    if verdict := before.judged.get(answer):
        return verdict
    earlier = case.reference if before.answer is None else before.answer
    return CaseVerdict.CHANGED if earlier and earlier != answer else CaseVerdict.OPEN


def _one_space(text: str) -> str:
    """Collapse white space, because line breaks are not significant."""
    return " ".join(text.split())
