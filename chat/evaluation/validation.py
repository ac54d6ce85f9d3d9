"""Bounds and checks of regression cases."""

from collections.abc import Sequence
from dataclasses import replace

from chat.evaluation.errors import BadCase, BadCheck
from chat.evaluation.models import CaseText, Check, CheckKind
from chat.evaluation.ports import Judge
from chat.models import ChatMessage, Role
from chat.validation import check_sampling, check_text

MAX_NAME = 100
MAX_EXPECTED = 20_000
MAX_PROMPT = 200_000
MOST_TURNS = 100
MOST_CHECKS = 20
MOST_CASES = 1000
"""Of one file, and of one run."""


async def check_case(text: CaseText, judge: Judge) -> CaseText:
    """A case in the form that is stored, its name stripped.

    Raises BadCase, BadCheck, CheckTooCostly, InvalidSetting, MessageTooLong, BadText.
    """
    name = check_text(text.name).strip()
    if not 1 <= len(name) <= MAX_NAME or any(not sign.isprintable() for sign in name):
        raise BadCase(field="name", why=f"1 to {MAX_NAME} characters on one line", limit=MAX_NAME)
    _check_prompt(text.prompt)
    check_sampling(text.sampling)
    check_text(text.reference, field="reference")
    if not 1 <= len(text.checks) <= MOST_CHECKS:
        raise BadCase(field="checks", why=f"1 to {MOST_CHECKS}", limit=MOST_CHECKS)
    for number, check in enumerate(text.checks, start=1):
        try:
            await _check_check(check, judge)
        except BadCheck as error:
            raise BadCheck(str(error.values["why"]), number) from None
    return replace(text, name=name)


def _check_prompt(prompt: Sequence[ChatMessage]) -> None:
    if not 1 <= len(prompt) <= MOST_TURNS:
        raise BadCase(field="prompt", why=f"1 to {MOST_TURNS} messages", limit=MOST_TURNS)
    if prompt[-1].role is Role.SYSTEM or not prompt[-1].content.strip():
        raise BadCase(field="prompt", why="the last message has to ask for something")
    if any(turn.partial for turn in prompt[:-1]) or (
        prompt[-1].partial and prompt[-1].role is not Role.ASSISTANT
    ):
        raise BadCase(field="prompt", why="only an answer at its end can be partial")
    if sum(len(check_text(message.content)) for message in prompt) > MAX_PROMPT:
        raise BadCase(field="prompt", why=f"at most {MAX_PROMPT} characters")


async def _check_check(check: Check, judge: Judge) -> None:
    expected = check.expected
    if len(expected) > MAX_EXPECTED:
        why = f"at most {MAX_EXPECTED} characters each"
        raise BadCase(field="checks", why=why, part="expected", limit=MAX_EXPECTED)
    check_text(expected)
    if check.kind is CheckKind.HUMAN:
        return
    if not expected.strip():
        raise BadCase(field="checks", why="what is expected is missing")
    if check.kind is not CheckKind.CONTAINS:
        await judge.read(check)
