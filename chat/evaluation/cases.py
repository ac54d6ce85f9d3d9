"""Regression cases: create, derive from a rated answer, change, delete, judge.

Owns the access rules: members see their own cases, administrators all, guests none. Knows no SQL,
no page and no engine; `chat.evaluation.runs` runs cases.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import uuid4

from chat.accounts.access import visible_owner
from chat.accounts.models import Clock, User, utc_now
from chat.evaluation.errors import BadCase
from chat.evaluation.models import (
    Case,
    CaseText,
    CaseVerdict,
    Check,
    CheckKind,
    Result,
    Run,
    VerdictCounts,
)
from chat.evaluation.ports import CaseStore, Judge, RatedAnswers
from chat.evaluation.validation import MAX_NAME, MOST_CASES, check_case
from chat.feedback.models import RatedAnswer

ONE_LINE = 200
"""A one-line correction of at most this many characters becomes a CONTAINS check."""


class Cases:
    """The service of regression cases. Raises NotFound for guests."""

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
        """The user's own cases, for administrators all; without the shipped ones."""
        return await self._store.cases(visible_owner(user))

    async def get(self, user: User, case_id: str) -> Case:
        """Raises NotFound."""
        owner_id = visible_owner(user)
        return self.shipped.get(case_id) or await self._store.case(case_id, owner_id)

    async def draft(self, user: User, snapshot_id: str) -> CaseText:
        """A case derived from a rated answer, for review. Raises NotFound."""
        return draft_of(await self._ratings.rated(visible_owner(user), snapshot_id))

    async def add(self, user: User, *texts: CaseText) -> Sequence[Case]:
        """Store cases as the user's own, all or none.

        Raises what `check_case` raises, and NotFound when the source answer was deleted.
        """
        scope = visible_owner(user)
        if len(texts) > MOST_CASES:
            raise BadCase(field="cases", why=f"at most {MOST_CASES}")
        for snapshot_id in {text.snapshot_id for text in texts} - {""}:
            await self._ratings.rated(scope, snapshot_id)  # Raises NotFound when it was deleted
        now = self._clock()
        cases = [
            _case(uuid4().hex, user.id, await check_case(text, self._judge), now) for text in texts
        ]
        await self._store.add(cases)
        return cases

    async def change(self, user: User, case_id: str, text: CaseText) -> Case:
        """Raises NotFound, and what `check_case` raises."""
        owner_id = visible_owner(user)
        await self._store.case(case_id, owner_id)
        return await self._store.change(case_id, owner_id, await check_case(text, self._judge))

    async def delete(self, user: User, case_id: str) -> None:
        """Raises NotFound. Results of the case stay."""
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
        """Store a human verdict.

        The same answer gets this verdict in later runs. Raises NotFound, also when the checks
        have decided already.
        """
        await self._store.run(run_id, visible_owner(user))
        verdict = CaseVerdict.PASSED if good else CaseVerdict.FAILED
        return await self._store.judge(run_id, case_id, verdict, user.id)


def draft_of(rated: RatedAnswer) -> CaseText:
    """A case with the prompt of a rated answer, and a check from the newest correction.

    A long correction becomes a HUMAN check, because no other answer would contain it literally.
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
    """The editable part of a case."""
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
    """A case that is run without being stored: its id is its key."""
    return _case(text.key, owner_id, text, now)
