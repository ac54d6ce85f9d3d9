"""The results of a campaign as tables: read in chunks, written into a file.

Knows no SQL and no file format.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

from chat.accounts.access import refuse_guests
from chat.accounts.models import LOCAL, Clock, User, utc_now
from chat.accounts.ports import UserReader
from chat.campaigns.hosts import SILENT
from chat.campaigns.models import Campaign, Mode
from chat.feedback.filter_models import Cursor
from chat.feedback.models import RatingInput
from chat.feedback.ports import CampaignReader, ResultStore, TablesFile, TableStore
from chat.feedback.result_models import RatingFilter, VotedComparison
from chat.feedback.table_models import (
    GivenRating,
    ParticipantActivity,
    ParticipantState,
    SurveyReply,
    Table,
    TableItem,
    TablesHead,
    TaskProgress,
    UnratedAnswer,
)

CHUNK = 200
"""Rows that are in memory at once."""


class CampaignTables:
    """The service of tables. A campaign that the user may not see raises NotFound."""

    def __init__(
        self,
        campaigns: CampaignReader,
        results: ResultStore,
        store: TableStore,
        users: UserReader,
        clock: Clock = utc_now,
    ) -> None:
        self._campaigns = campaigns
        self._results = results
        self._store = store
        self._users = users
        self._clock = clock

    async def export(
        self, user: User, campaign_id: str, file: TablesFile
    ) -> tuple[Campaign, AsyncIterator[bytes]]:
        """The campaign, and the pieces of its file. Raises NotFound.

        At most one chunk of rows is in memory. The host's own trial is in the tables, and marked.
        """
        refuse_guests(user)
        campaign = await self._campaigns.get(user, campaign_id)
        now = self._clock()
        names = {one.id: one.name for one in (LOCAL, *await self._users.users())}
        head = TablesHead(campaign, now, now - SILENT, names)
        return campaign, self._pieces(head, file)

    async def _pieces(self, head: TablesHead, file: TablesFile) -> AsyncIterator[bytes]:
        try:
            file.begin(head)
            for table in Table:
                if table not in file.takes:
                    continue
                async for items in self._chunks(table, head):
                    yield await asyncio.to_thread(file.add, table, items)
            pieces = file.end()
            while piece := await asyncio.to_thread(next, pieces, b""):
                yield piece
        finally:
            file.close()

    def _chunks(self, table: Table, head: TablesHead) -> AsyncIterator[Sequence[TableItem]]:
        sources: Mapping[Table, Callable[[TablesHead], AsyncIterator[Sequence[TableItem]]]] = {
            Table.TESTERS: self._testers,
            Table.TASKS: self._tasks,
            Table.RATINGS: self._ratings,
            Table.VOTES: self._votes,
            Table.UNVOTED: self._unvoted,
            Table.SURVEY: self._survey,
            Table.UNRATED: self._unrated,
            Table.DROPOUTS: self._dropouts,
        }
        return sources[table](head)

    async def _testers(self, head: TablesHead) -> AsyncIterator[Sequence[ParticipantActivity]]:
        after: Cursor | None = None
        while testers := await self._store.testers(head.campaign.id, after=after, limit=CHUNK):
            yield testers
            last = testers[-1].participant
            after = Cursor(last.joined_at, last.user_id)

    async def _tasks(self, head: TablesHead) -> AsyncIterator[Sequence[TaskProgress]]:
        done = Counter[str]()
        async for testers in self._testers(head):
            for tester in testers:
                if not head.is_own_trial(tester.participant.user_id):
                    done.update(tester.participant.done)
        tasks = enumerate(head.campaign.plan.tasks, start=1)
        yield [TaskProgress(number, task, done[task.id]) for number, task in tasks]

    async def _ratings(self, head: TablesHead) -> AsyncIterator[Sequence[GivenRating]]:
        after: int | None = 0
        filters = RatingFilter(campaign_id=head.campaign.id)
        while after is not None:
            chunk = await self._results.chunk(None, filters, after=after, limit=CHUNK)
            after = chunk.next
            yield [
                GivenRating(rated.snapshot, rating, rated.review)
                for rated in chunk.items
                for rating in rated.ratings
                if rating.rating_input != RatingInput()  # it was withdrawn
            ]

    async def _votes(self, head: TablesHead) -> AsyncIterator[Sequence[VotedComparison]]:
        last: VotedComparison | None = None
        filters = RatingFilter(campaign_id=head.campaign.id)
        while votes := await self._results.voted_comparisons(
            None, filters, after=last, limit=CHUNK
        ):
            yield votes
            last = votes[-1]

    async def _unvoted(self, head: TablesHead) -> AsyncIterator[Sequence[VotedComparison]]:
        last: VotedComparison | None = None
        while unvoted := await self._store.unvoted(head.campaign.id, after=last, limit=CHUNK):
            yield unvoted
            last = unvoted[-1]

    async def _survey(self, head: TablesHead) -> AsyncIterator[Sequence[SurveyReply]]:
        async for testers in self._testers(head):
            yield [
                SurveyReply(tester.participant, number, question, answer)
                for tester in testers
                for number, question in enumerate(head.campaign.plan.survey, start=1)
                if (answer := tester.participant.survey.get(question.id, "")) != ""
            ]

    async def _unrated(self, head: TablesHead) -> AsyncIterator[Sequence[UnratedAnswer]]:
        if head.campaign.plan.mode is Mode.BLIND:
            return  # its answers are those of comparisons
        last: UnratedAnswer | None = None
        while unrated := await self._store.unrated(head.campaign.id, after=last, limit=CHUNK):
            yield unrated
            last = unrated[-1]

    async def _dropouts(self, head: TablesHead) -> AsyncIterator[Sequence[ParticipantActivity]]:
        async for testers in self._testers(head):
            yield [
                tester
                for tester in testers
                if head.state_of(tester.participant) is ParticipantState.DROPPED_OUT
                and not head.is_own_trial(tester.participant.user_id)
            ]
