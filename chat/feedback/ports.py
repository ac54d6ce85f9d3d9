"""What feedback needs of a store, of campaigns and of files."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.models import User
from chat.campaigns.models import Campaign, CampaignCounts, Comparison
from chat.feedback.dashboard_models import Count, DashboardScope
from chat.feedback.filter_models import Cursor
from chat.feedback.models import (
    AnswerSnapshot,
    Placement,
    RatedAnswer,
    Rating,
    RatingInput,
    Review,
)
from chat.feedback.omissions import Omission
from chat.feedback.report_models import ReportData
from chat.feedback.result_models import (
    ExportChunk,
    ExportContext,
    FilterOptions,
    Path,
    RatingCounts,
    RatingFilter,
    ReviewChange,
    VotedComparison,
)
from chat.feedback.table_models import (
    ParticipantActivity,
    Table,
    TableItem,
    TablesHead,
    UnratedAnswer,
)
from chat.feedback.vote_models import VoteCounts, VoteFilter, VoteFilterOptions
from chat.serving.completion import CompletionRecord


class RatingStore(Protocol):
    """Stores ratings with their snapshots."""

    async def rate(
        self, snapshot: AnswerSnapshot, user_id: str, rating_input: RatingInput, rated_at: datetime
    ) -> Rating:
        """Add a version of the user's rating, or return the newest if it is the same.

        An existing snapshot of the answer is kept. Concurrent ratings each get a version. Raises
        NotFound when the user does not exist any more.
        """
        ...

    async def snapshot_of(self, owner_id: str, answer_id: str) -> AnswerSnapshot | None: ...

    async def newest(self, user_id: str, answer_ids: Collection[str]) -> Mapping[str, Rating]:
        """The user's newest ratings of these answers, by answer id."""
        ...

    async def placement(self, campaign_id: str, user_id: str, message_id: str) -> Placement | None:
        """None: the campaign was deleted."""
        ...


class CompletionLookup(Protocol):
    """Recent answers to programs."""

    def find(self, user_id: str, completion_id: str) -> CompletionRecord:
        """Raises NotFound, also for another user's answer."""
        ...


class ResultStore(Protocol):
    """Finds rated answers and stores their reviews.

    `seen_by` is a user id and limits results to what that user may see; None is everything.
    """

    async def page(
        self, seen_by: str | None, filters: RatingFilter, *, after: Cursor | None, limit: int
    ) -> Sequence[RatedAnswer]:
        """Newest rating first."""
        ...

    async def counts(
        self, seen_by: str | None, filters: RatingFilter, *, among: Sequence[str] | None = None
    ) -> RatingCounts:
        """Counts of all answers that match, or of those with these ids."""
        ...

    async def choices(self, seen_by: str | None) -> FilterOptions: ...

    async def rated(self, seen_by: str | None, snapshot_id: str) -> RatedAnswer:
        """Raises NotFound."""
        ...

    async def versions(self, snapshot_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
        """All versions of the ratings of each answer, oldest first."""
        ...

    async def beside(
        self, seen_by: str | None, filters: RatingFilter, conversation_ids: Sequence[str]
    ) -> Sequence[RatedAnswer]:
        """The rated answers in these conversations, oldest first."""
        ...

    async def chunk(
        self, seen_by: str | None, filters: RatingFilter, *, after: int, limit: int
    ) -> ExportChunk:
        """The next answers of an export; begin with `after` 0."""
        ...

    async def tried_again(
        self, user_id: str, answer_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Path]]:
        """For each of these answers, the paths to earlier unrated answers to the same question.

        Includes campaigns and the reader's own conversations only: in other conversations users
        share no more than they rated.
        """
        ...

    async def voted_comparisons(
        self,
        seen_by: str | None,
        filters: RatingFilter,
        *,
        after: VotedComparison | None,
        limit: int,
    ) -> Sequence[VotedComparison]:
        """The next votes, filtered by campaign and day only."""
        ...

    async def votes(self, seen_by: str | None, filters: RatingFilter) -> int:
        """The number of votes, filtered by model and preset too, but not by language."""
        ...

    async def review(
        self,
        seen_by: str | None,
        snapshot_id: str,
        change: ReviewChange,
        reviewer: str,
        reviewed_at: datetime,
    ) -> Review:
        """Change or create the review. Raises NotFound."""
        ...


class DataFile(Protocol):
    """A file that is written in pieces, by calls in this order.

    `takes_versions` requests all versions of ratings, `takes_others` the other rated and retried
    answers of a conversation, `takes_names` the names of users, campaigns and presets,
    `takes_votes` the votes. `omissions` counts what was left out so far, by reason.
    """

    takes_versions: bool
    takes_others: bool
    takes_names: bool
    takes_votes: bool
    omissions: Counter[Omission]

    def begin(self) -> bytes: ...

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes: ...

    def add_votes(self, voted_comparisons: Sequence[VotedComparison]) -> bytes: ...

    def end(self) -> bytes: ...


class VoteStore(Protocol):
    """Finds votes. `seen_by` limits them to what a user may see; None is everything."""

    async def page(
        self, seen_by: str | None, filters: VoteFilter, *, after: Cursor | None, limit: int
    ) -> Sequence[Comparison]:
        """Newest vote first."""
        ...

    async def counts(self, seen_by: str | None, filters: VoteFilter) -> VoteCounts: ...

    async def choices(self, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
        """All blind comparisons; the voters of that campaign, or of all without an id."""
        ...

    async def voted_comparison(self, seen_by: str | None, comparison_id: str) -> VotedComparison:
        """Raises NotFound, also without a vote."""
        ...


class ReportStore(Protocol):
    """Collects the results of a campaign, without the owner's own trial."""

    async def gather(self, campaign_id: str, excerpts: int) -> ReportData:
        """The results with that many of the best and worst answers. Raises NotFound."""
        ...


class TableStore(Protocol):
    """Finds the rows of a campaign's tables. Without a row after `after` it is the end."""

    async def testers(
        self, campaign_id: str, *, after: Cursor | None, limit: int
    ) -> Sequence[ParticipantActivity]:
        """All who came, in that order; a cursor is a participant's time and user id."""
        ...

    async def unvoted(
        self, campaign_id: str, *, after: VotedComparison | None, limit: int
    ) -> Sequence[VotedComparison]:
        """Comparisons without a vote, oldest first."""
        ...

    async def unrated(
        self, campaign_id: str, *, after: UnratedAnswer | None, limit: int
    ) -> Sequence[UnratedAnswer]:
        """Answers without a rating, oldest first."""
        ...


class TablesFile(Protocol):
    """A file of tables, written by calls in this order; `takes` are the tables that it holds.

    A table that has no rows is added with none, or not at all. `close` frees what the file holds,
    also after an error.
    """

    @property
    def takes(self) -> Collection[Table]: ...

    def begin(self, head: TablesHead) -> None: ...

    def add(self, table: Table, items: Sequence[TableItem]) -> bytes: ...

    def end(self) -> Iterator[bytes]:
        """The last pieces, none of them empty."""
        ...

    def close(self) -> None: ...


class CampaignReader(Protocol):
    """Reads campaigns. One that the user may not see raises NotFound."""

    async def get(self, user: User, campaign_id: str) -> Campaign: ...

    async def counts(self, user: User, campaign_id: str) -> CampaignCounts: ...


class DashboardStore(Protocol):
    """Counts usage, without the trials of owners in their own campaigns.

    Outside campaigns, owners count as any other user.
    """

    async def began(self, seen_by: str | None, campaign_id: str) -> datetime | None:
        """The time of the first question, rating or vote."""
        ...

    async def counts(self, scope: DashboardScope) -> Count: ...


class CampaignNames(Protocol):
    """Reads campaigns that the user may see. Raises NotFound."""

    async def get(self, user: User, campaign_id: str) -> Campaign: ...

    async def list(self, user: User) -> Sequence[Campaign]: ...
