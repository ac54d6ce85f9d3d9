"""Regression cases as their hosts keep them: written, made of a rated answer, run, judged.

Owns whose they are (members have their own, administrators see all, guests none) and what may be
kept. Knows no SQL, no page and no engine; `chat.evaluation.runs` runs cases.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from chat.accounts.access import visible_owner
from chat.accounts.models import Clock, User, utc_now
from chat.evaluation.errors import BadCase, BadCheck
from chat.evaluation.models import Case, CaseVerdict, Check, CheckKind, Result, Run
from chat.evaluation.verdicts import EarlierAnswers, Judge
from chat.feedback.models import RatedAnswer
from chat.models import ChatMessage, Role, Sampling
from chat.validation import check_sampling, check_text

MAX_NAME = 100
MAX_EXPECTED = 20_000
MAX_PROMPT = 200_000
MOST_TURNS = 100
MOST_CHECKS = 20
MOST_CASES = 1000
"""Of one file, and of one run."""

ONE_LINE = 200
"""A correction of one line and at most so many characters is taken as what must be contained."""


@dataclass(frozen=True, slots=True)
class CaseText:
    """What a host writes of a case; the fields are those of `chat.evaluation.models.Case`.

    `key` names a case in a file, so that its runs can be told to be the same case's.
    """

    name: str
    prompt: tuple[ChatMessage, ...]
    checks: tuple[Check, ...]
    sampling: Sampling = field(default_factory=Sampling)
    reference: str = ""
    snapshot_id: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class VerdictCounts:
    """A run, and how many of its cases came to what."""

    run: Run
    counts: Mapping[CaseVerdict, int]


class CaseStore(Protocol):
    """Keeps cases, runs and results. `owner` None: whoever's; not that owner's raises NotFound."""

    async def add(self, cases: Sequence[Case]) -> None:
        """All or none. Raises NotFound for owners who are not there (any more)."""
        ...

    async def cases(self, owner_id: str | None) -> Sequence[Case]:
        """By name."""
        ...

    async def case(self, case_id: str, owner_id: str | None) -> Case: ...

    async def change(self, case_id: str, owner_id: str | None, text: CaseText) -> Case: ...

    async def delete(self, case_id: str, owner_id: str | None) -> None:
        """Its results stay."""
        ...

    async def add_run(self, run: Run) -> None:
        """Raises NotFound as `add` does."""
        ...

    async def end_run(self, run_id: str, ended_at: datetime) -> None: ...

    async def add_result(self, result: Result) -> None:
        """Raises NotFound if the run was deleted meanwhile."""
        ...

    async def runs(self, owner_id: str | None, limit: int = 100) -> Sequence[VerdictCounts]:
        """Newest first."""
        ...

    async def run(self, run_id: str, owner_id: str | None) -> Run: ...

    async def results(self, run_id: str) -> Sequence[Result]: ...

    async def delete_run(self, run_id: str, owner_id: str | None) -> None:
        """With its results."""
        ...

    async def judge(
        self, run_id: str, case_id: str, verdict: CaseVerdict, judged_by: str
    ) -> Result:
        """Write a person's verdict. Raises NotFound where none was asked for."""
        ...

    async def history(
        self, case_ids: Collection[str], owner_id: str | None, against: str | None
    ) -> Mapping[str, EarlierAnswers]:
        """What runs gave for these cases; the answer is that of the run `against`, or the last."""
        ...


class RatedAnswers(Protocol):
    """Rated answers that a person may see; None sees all."""

    async def rated(self, seen_by: str | None, snapshot_id: str) -> RatedAnswer:
        """Raises NotFound."""
        ...


class Cases:
    """The service behind the pages and commands of cases. Guests find nothing here: NotFound."""

    def __init__(
        self,
        store: CaseStore,
        ratings: RatedAnswers,
        judge: Judge,
        shipped: Sequence[Case] = (),
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._ratings = ratings
        self._judge = judge
        self._clock = clock
        self.shipped = {case.id: case for case in shipped}

    async def list(self, user: User) -> Sequence[Case]:
        """One's own, for administrators everybody's; not those that are shipped."""
        return await self._store.cases(visible_owner(user))

    async def get(self, user: User, case_id: str) -> Case:
        """Raises NotFound."""
        owner = visible_owner(user)
        return self.shipped.get(case_id) or await self._store.case(case_id, owner)

    async def draft(self, user: User, snapshot_id: str) -> CaseText:
        """A case made of a rated answer, to be looked over. Raises NotFound."""
        return draft_of(await self._ratings.rated(visible_owner(user), snapshot_id))

    async def add(self, user: User, *texts: CaseText) -> Sequence[Case]:
        """Keep cases as one's own, all or none.

        Raises what `check_case` raises, and NotFound where the answer that one was made of is gone.
        """
        scope = visible_owner(user)
        if len(texts) > MOST_CASES:
            raise BadCase(field="cases", why=f"at most {MOST_CASES}")
        for snapshot_id in {text.snapshot_id for text in texts} - {""}:
            await self._ratings.rated(scope, snapshot_id)  # who deleted it does not find it here
        now = self._clock()
        cases = [
            _case(uuid4().hex, user.id, await check_case(text, self._judge), now) for text in texts
        ]
        await self._store.add(cases)
        return cases

    async def change(self, user: User, case_id: str, text: CaseText) -> Case:
        """Raises NotFound, and what `check_case` raises."""
        owner = visible_owner(user)
        await self._store.case(case_id, owner)
        return await self._store.change(case_id, owner, await check_case(text, self._judge))

    async def delete(self, user: User, case_id: str) -> None:
        """Raises NotFound. What runs gave for it stays."""
        await self._store.delete(case_id, visible_owner(user))

    async def runs(self, user: User) -> Sequence[VerdictCounts]:
        """Newest first."""
        return await self._store.runs(visible_owner(user))

    async def run(self, user: User, run_id: str) -> tuple[Run, Mapping[str, Result]]:
        """A run and its results by case. Raises NotFound."""
        run = await self._store.run(run_id, visible_owner(user))
        return run, {result.case_id: result for result in await self._store.results(run_id)}

    async def delete_run(self, user: User, run_id: str) -> None:
        """Raises NotFound."""
        await self._store.delete_run(run_id, visible_owner(user))

    async def judge(self, user: User, run_id: str, case_id: str, *, good: bool) -> Result:
        """Say whether an answer that a person has to judge is good.

        The same answer gets this verdict in later runs. Raises NotFound, also where there is
        nothing to say because checks have said it.
        """
        await self._store.run(run_id, visible_owner(user))
        verdict = CaseVerdict.PASSED if good else CaseVerdict.FAILED
        return await self._store.judge(run_id, case_id, verdict, user.id)


def draft_of(rated: RatedAnswer) -> CaseText:
    """A case that asks the same again; what must hold is taken from the newest correction.

    A long correction is for a person to compare with: no other answer has it word by word.
    """
    newest = sorted(rated.ratings, key=lambda rating: rating.rated_at, reverse=True)
    correction = next(
        (r.rating_input.correction for r in newest if r.rating_input.correction), ""
    ).strip()
    one_line = bool(correction) and len(correction) <= ONE_LINE and "\n" not in correction
    kind = CheckKind.CONTAINS if one_line else CheckKind.HUMAN
    question = " ".join(rated.snapshot.question.split())
    return CaseText(
        name=question[:MAX_NAME],
        prompt=rated.snapshot.prompt,
        checks=(Check(kind, correction),),
        reference=rated.snapshot.answer,
        snapshot_id=rated.snapshot.id,
    )


async def check_case(text: CaseText, judge: Judge) -> CaseText:
    """A case as it is kept, its name without spaces around it.

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


def _case(case_id: str, owner_id: str, text: CaseText, now: datetime) -> Case:
    return Case(
        id=case_id,
        owner_id=owner_id,
        name=text.name,
        prompt=text.prompt,
        checks=text.checks,
        created_at=now,
        sampling=text.sampling,
        reference=text.reference,
        snapshot_id=text.snapshot_id,
    )


def text_of(case: Case) -> CaseText:
    """A case as it was written."""
    return CaseText(
        name=case.name,
        prompt=case.prompt,
        checks=case.checks,
        sampling=case.sampling,
        reference=case.reference,
        snapshot_id=case.snapshot_id,
        key=case.id,
    )


def case_of_file(text: CaseText, owner_id: str, now: datetime) -> Case:
    """A case that is run without being kept: its id is its key."""
    return _case(text.key, owner_id, text, now)
