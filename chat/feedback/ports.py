"""What feedback needs of a store, of campaigns and of files."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.models import User
from chat.campaigns.models import Campaign, CampaignCounts, Comparison
from chat.feedback.dashboard_models import Count, DashboardScope
from chat.feedback.models import (
    AnswerSnapshot,
    Placement,
    RatedAnswer,
    Rating,
    RatingInput,
    Review,
)
from chat.feedback.report_models import ReportData
from chat.feedback.result_models import (
    Cursor,
    ExportChunk,
    ExportContext,
    FilterOptions,
    Path,
    RatingCounts,
    RatingFilter,
    ReviewChange,
    VotedComparison,
)
from chat.feedback.vote_models import VoteCounts, VoteCursor, VoteFilter, VoteFilterOptions
from chat.serving.completion import CompletionRecord


class RatingStore(Protocol):
    """Keeps ratings with their snapshot."""

    async def rate(
        self, snapshot: AnswerSnapshot, user_id: str, rating_input: RatingInput, rated_at: datetime
    ) -> Rating:
        """Add a version of what `rater` says, or give the newest if it says the same.

        An answer of that owner that is frozen already stays as it is. Of two at once each gets a
        version. Raises NotFound when the rater is not there any more.
        """
        ...

    async def snapshot_of(self, owner_id: str, answer_id: str) -> AnswerSnapshot | None: ...

    async def newest(self, user_id: str, answer_ids: Collection[str]) -> Mapping[str, Rating]:
        """What somebody said last of those of their answers that they have rated, by answer."""
        ...

    async def placement(self, campaign_id: str, user_id: str, message_id: str) -> Placement | None:
        """None: the campaign is gone."""
        ...


class CompletionLookup(Protocol):
    """The answers that programs were given a while ago."""

    def find(self, user_id: str, completion_id: str) -> CompletionRecord:
        """Raises NotFound, also for another's."""
        ...


class ResultStore(Protocol):
    """Finds rated answers and keeps their reviews.

    `seen_by` is a person's id: only what that person may see; None is everything.
    """

    async def page(
        self, seen_by: str | None, filters: RatingFilter, *, after: Cursor | None, limit: int
    ) -> Sequence[RatedAnswer]:
        """Newest rating first."""
        ...

    async def counts(
        self, seen_by: str | None, filters: RatingFilter, *, among: Sequence[str] | None = None
    ) -> RatingCounts:
        """Of all, or of those with these ids."""
        ...

    async def choices(self, seen_by: str | None) -> FilterOptions: ...

    async def rated(self, seen_by: str | None, snapshot_id: str) -> RatedAnswer:
        """Raises NotFound."""
        ...

    async def versions(self, snapshot_ids: Sequence[str]) -> Mapping[str, tuple[Rating, ...]]:
        """All that was ever said of each of these answers, oldest first."""
        ...

    async def beside(
        self, seen_by: str | None, filters: RatingFilter, conversation_ids: Sequence[str]
    ) -> Sequence[RatedAnswer]:
        """Those of the answers that were given in these conversations, oldest first."""
        ...

    async def chunk(
        self, seen_by: str | None, filters: RatingFilter, *, after: int, limit: int
    ) -> ExportChunk:
        """Answers one after the other; begin with `after` 0."""
        ...

    async def tried_again(
        self, reader: str, answer_ids: Sequence[str]
    ) -> Mapping[str, Sequence[Path]]:
        """By each of these answers: the paths to the unrated ones before it to the same question.

        Of campaigns, and of the reader's own conversations: elsewhere only what was rated is
        shared.
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
        """Votes one after the other, by campaign and day alone."""
        ...

    async def votes(self, seen_by: str | None, filters: RatingFilter) -> int:
        """How many of them, by model and preset too; what language they are in is not looked at."""
        ...

    async def review(
        self,
        seen_by: str | None,
        snapshot_id: str,
        change: ReviewChange,
        reviewer: str,
        reviewed_at: datetime,
    ) -> Review:
        """Change the review, or make one. Raises NotFound."""
        ...


class DataFile(Protocol):
    """A file that is written piece by piece, in this order; the pieces make it up.

    `takes_versions` asks for everything that was ever said, `takes_others` for the other rated
    answers of a conversation and those that were tried again, `takes_names` for what people,
    campaigns and presets are called, `takes_votes` for the votes.
    """

    takes_versions: bool
    takes_others: bool
    takes_names: bool
    takes_votes: bool

    def begin(self) -> bytes: ...

    def add(self, items: Sequence[RatedAnswer], around: ExportContext) -> bytes: ...

    def add_votes(self, voted_comparisons: Sequence[VotedComparison]) -> bytes: ...

    def end(self) -> bytes: ...


class VoteStore(Protocol):
    """Finds votes. `seen_by` is a person's id: only what they may see; None is everything."""

    async def page(
        self, seen_by: str | None, filters: VoteFilter, *, after: VoteCursor | None, limit: int
    ) -> Sequence[Comparison]:
        """Newest vote first."""
        ...

    async def counts(self, seen_by: str | None, filters: VoteFilter) -> VoteCounts: ...

    async def choices(self, seen_by: str | None, campaign_id: str) -> VoteFilterOptions:
        """All campaigns that compare; who has voted in that one, or without an id in any."""
        ...

    async def voted_comparison(self, seen_by: str | None, comparison_id: str) -> VotedComparison:
        """Raises NotFound, also where nobody has voted yet."""
        ...


class ReportStore(Protocol):
    """Gathers what is known of a campaign's results, without the owner's own trial."""

    async def gather(self, campaign_id: str, excerpts: int) -> ReportData:
        """With that many of the best and worst answers. Raises NotFound."""
        ...


class CampaignReader(Protocol):
    """Campaigns of those who may see them. Not-yours raises NotFound."""

    async def get(self, user: User, campaign_id: str) -> Campaign: ...

    async def counts(self, user: User, campaign_id: str) -> CampaignCounts: ...


class DashboardStore(Protocol):
    """Counts what is there, without what owners tried in their own campaigns.

    Where all is counted and not campaigns, owners count like anybody.
    """

    async def began(self, seen_by: str | None, campaign_id: str) -> datetime | None:
        """When the first of it was asked, rated or voted on."""
        ...

    async def counts(self, scope: DashboardScope) -> Count: ...


class CampaignNames(Protocol):
    """Campaigns of those who may see them. Raises NotFound."""

    async def get(self, user: User, campaign_id: str) -> Campaign: ...

    async def list(self, user: User) -> Sequence[Campaign]: ...
