"""Blind comparison: one question, answered by two variants of a campaign side by side, and a vote.

Owns which two of several variants answer, their random assignment to sides, that both answers start
or none, and when a vote is accepted. `chat.campaigns.participation` decides who may take part,
`chat.campaigns.enrolment` with which options.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import combinations

from chat.accounts.models import Clock, User, utc_now
from chat.campaigns.comparison_models import (
    ComparisonRequest,
    ComparisonView,
    NewComparison,
    StoredComparison,
    TurnPosition,
)
from chat.campaigns.errors import CampaignOver, SkipReasonNeeded, VoteNeeded
from chat.campaigns.models import Campaign, Comparison, Mode, Side, Visit, VoteChoice
from chat.campaigns.ports import ComparisonStore, Visits
from chat.campaigns.validation import MAX_VOTE_COMMENT
from chat.conversations.errors import AnswerRunning
from chat.conversations.jobs import Job
from chat.conversations.models import Message, Progress, Question
from chat.conversations.turns import Turns
from chat.errors import MessageTooLong, NotFound
from chat.models import Status
from chat.validation import check_text

MAX_LISTED = 100
"""Comparisons of a tester that are listed: the newest ones."""


class Comparisons:
    """The service of blind comparisons. A campaign that the user may not see raises NotFound.

    `draw` chooses one of several pairs, and the variant on the left.
    """

    def __init__(
        self,
        store: ComparisonStore,
        visits: Visits,
        answers: Turns,
        *,
        draw: Callable[[Sequence[int]], int] = secrets.choice,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._visits = visits
        self._answers = answers
        self._draw = draw
        self._clock = clock

    async def visit(self, user: User, campaign_id: str) -> Visit:
        """The tester's visit of a campaign. Raises NotFound, also for campaigns of another mode."""
        visit = await self._visits.visit(user, campaign_id)
        if visit.campaign.plan.mode is not Mode.BLIND:
            raise NotFound
        return visit

    async def ask(
        self,
        user: User,
        campaign_id: str,
        comparison_request: ComparisonRequest,
        *,
        address: str = "",
    ) -> Comparison:
        """Ask both variants; the same `request_id` is the same question.

        Raises NotFound, VoteNeeded, AnswerRunning, NoPart kinds, and what `Turns.send` raises; then
        nothing was written.
        """
        visit = await self.visit(user, campaign_id)
        plan = visit.campaign.plan
        if comparison_request.task_id and comparison_request.task_id not in {
            task.id for task in plan.tasks
        }:
            raise NotFound
        places: dict[int, TurnPosition] = {}
        if comparison_request.after:
            before = (await self._store.comparison(user.id, comparison_request.after)).comparison
            if before.campaign_id != campaign_id:
                raise NotFound
            for side in (before.left, before.right):
                places[side.variant] = TurnPosition(side.conversation_id)
        return await self._ask(user, visit, comparison_request, places, address)

    async def ask_again(
        self, user: User, comparison_id: str, *, request_id: str, address: str = ""
    ) -> Comparison:
        """Ask the same question again after a comparison whose answers were not completed.

        Raises what `ask` raises.
        """
        written = await self._store.comparison(user.id, comparison_id)
        failed = written.comparison
        visit = await self.visit(user, failed.campaign_id)
        # Beside the first question, so that the incomplete answer is not in the prompt.
        places = {
            side.variant: TurnPosition(side.conversation_id, beside=answer.parent_id)
            for side, answer in ((failed.left, written.left), (failed.right, written.right))
        }
        comparison_request = ComparisonRequest(failed.question, request_id, failed.task_id)
        return await self._ask(user, visit, comparison_request, places, address)

    async def views(self, user: User, campaign_id: str) -> Sequence[ComparisonView]:
        """The tester's comparisons in this campaign, oldest first, with the current answers."""
        await self.visit(user, campaign_id)
        stored = await self._store.comparisons(user.id, campaign_id, MAX_LISTED)
        return [await self._view(written) for written in stored]

    async def view(self, user: User, comparison_id: str) -> ComparisonView:
        """One comparison with its current answers. Raises NotFound."""
        return await self._view(await self._store.comparison(user.id, comparison_id))

    async def watch(self, user: User, comparison_id: str) -> AsyncGenerator[ComparisonView, None]:
        """Yield the comparison at once, after changes, and every second until both answers end.

        Raises NotFound.
        """
        written = await self._store.comparison(user.id, comparison_id)
        jobs = [job for job in self._jobs_of(written.comparison) if job]
        async with aclosing(changes(jobs)) as moments:
            async for _ in moments:
                if any(job.progress.status.is_open for job in jobs):
                    yield await self._view(written)
        yield await self.view(user, comparison_id)

    async def stop(self, user: User, comparison_id: str) -> None:
        """Stop both answers; the text so far is kept. Raises NotFound."""
        comparison = (await self._store.comparison(user.id, comparison_id)).comparison
        for side in (comparison.left, comparison.right):
            self._answers.stop(user.id, side.conversation_id)

    async def vote(
        self, user: User, comparison_id: str, choice: VoteChoice, comment: str = ""
    ) -> Comparison:
        """Vote, or change the vote until the next question is asked. Its task is done.

        Raises NotFound, AnswersUnfinished, VoteFrozen, CampaignOver, MessageTooLong, BadText.
        """
        visit = await self._open_visit(user, comparison_id)
        checked = _checked(comment)
        voted = await self._store.vote(user.id, comparison_id, choice, checked, self._clock())
        if voted.task_id in {task.id for task in visit.campaign.plan.tasks}:
            await self._visits.tick(user, voted.campaign_id, voted.task_id, done=True)
        return voted

    async def skip(self, user: User, comparison_id: str, reason: str) -> Comparison:
        """Decide not to vote, with a reason; a vote that was given stays.

        Raises NotFound, AnswersUnfinished, CampaignOver, SkipReasonNeeded, MessageTooLong, BadText.
        """
        await self._open_visit(user, comparison_id)
        checked = _checked(reason).strip()
        if not checked:
            raise SkipReasonNeeded
        return await self._store.skip(user.id, comparison_id, checked)

    async def comment(self, user: User, comparison_id: str, comment: str) -> Comparison:
        """Set the comment of a vote; an earlier one is replaced.

        Raises NotFound, CampaignOver, MessageTooLong, BadText.
        """
        await self._open_visit(user, comparison_id)
        return await self._store.comment(user.id, comparison_id, _checked(comment))

    async def _ask(
        self,
        user: User,
        visit: Visit,
        comparison_request: ComparisonRequest,
        places: Mapping[int, TurnPosition],
        address: str,
    ) -> Comparison:
        """`places` are by variant; a variant without one gets a new conversation."""
        user_id, request_id = user.id, comparison_request.request_id
        if existing := await self._store.of_request(user_id, request_id):
            return existing
        campaign_id = visit.campaign.id
        if visit.may_ask:  # otherwise the reason for that is raised below
            await self._refuse_without_vote(user_id, campaign_id)
        pair = tuple(sorted(places)) or await self._next_pair(visit.campaign)
        left = self._draw(pair)
        variants = (left, sum(pair) - left)
        new = NewComparison(campaign_id, user_id, comparison_request, variants, self._clock())
        questions = []
        for side, variant in zip(("left", "right"), variants, strict=True):
            place = places.get(variant, TurnPosition())
            question = Question(
                comparison_request.text,
                f"{request_id}/{side}",
                beside=place.beside,
                campaign_id=campaign_id,
            )
            questions.append((place.conversation_id, question, variant))
        await self._answers.send_together(
            user_id, questions, partial(self._store.ask, new), address=address
        )
        written = await self._store.of_request(user_id, request_id)
        if written is None:  # withdrawn meanwhile
            raise NotFound
        return written

    async def _next_pair(self, campaign: Campaign) -> tuple[int, ...]:
        """Any of the pairs that were asked least: a round robin. Two questions that are asked at
        the same time may get the same pair.
        """
        pairs = list(combinations(range(len(campaign.plan.variants)), 2))
        if len(pairs) == 1:
            return pairs[0]
        asked = await self._store.pair_counts(campaign.id)
        fewest = min(asked.get(pair, 0) for pair in pairs)
        least = [pair for pair in pairs if asked.get(pair, 0) == fewest]
        return least[self._draw(range(len(least)))]

    async def _refuse_without_vote(self, user_id: str, campaign_id: str) -> None:
        """Raise VoteNeeded, or AnswerRunning where the last answers are not complete yet."""
        stored = await self._store.comparisons(user_id, campaign_id, MAX_LISTED)
        views = [await self._view(written) for written in stored]
        if any(view.needs_vote for view in views):
            raise VoteNeeded
        if any(view.is_open for view in views):
            raise AnswerRunning

    async def _open_visit(self, user: User, comparison_id: str) -> Visit:
        """The visit of its campaign. Raises NotFound, CampaignOver."""
        comparison = (await self._store.comparison(user.id, comparison_id)).comparison
        visit = await self.visit(user, comparison.campaign_id)
        if not visit.may_answer:
            raise CampaignOver
        return visit

    async def _view(self, written: StoredComparison) -> ComparisonView:
        """The state of the running jobs, or else the stored state."""
        comparison, jobs = written.comparison, self._jobs_of(written.comparison)
        messages = (written.left, written.right)
        if any(
            job is None and item.status.is_open for job, item in zip(jobs, messages, strict=True)
        ):
            # It ended since it was read. One that is open without a job was interrupted.
            written = await self._store.comparison(comparison.user_id, comparison.id)
        left, right = (
            job.progress if job else _progress(item)
            for job, item in zip(jobs, (written.left, written.right), strict=True)
        )
        return ComparisonView(written.comparison, left, right)

    def _jobs_of(self, comparison: Comparison) -> Sequence[Job | None]:
        return [
            self._job_of(comparison.user_id, side) for side in (comparison.left, comparison.right)
        ]

    def _job_of(self, user_id: str, side: Side) -> Job | None:
        job = self._answers.writing(user_id, side.conversation_id)
        return job if job and job.message_id == side.message_id else None


async def changes(jobs: Sequence[Job]) -> AsyncGenerator[None, None]:
    """Yields at once, then after each change of an answer, until all have ended."""
    changed = asyncio.Event()

    async def follow(job: Job) -> None:
        async for _ in job.watch():
            changed.set()

    following = [asyncio.create_task(follow(job)) for job in jobs]
    for task in following:
        task.add_done_callback(lambda _: changed.set())
    try:
        yield
        while not all(task.done() for task in following):
            await changed.wait()
            changed.clear()
            yield
    finally:
        for task in following:
            task.cancel()
        await asyncio.wait(following) if following else None


def _progress(message: Message) -> Progress:
    status = Status.INTERRUPTED if message.status.is_open else message.status
    return Progress(message.id, text=message.content, status=status, error_code=message.error_code)


def _checked(comment: str) -> str:
    if len(comment) > MAX_VOTE_COMMENT:
        raise MessageTooLong(field="comment", characters=len(comment), limit=MAX_VOTE_COMMENT)
    return check_text(comment)
