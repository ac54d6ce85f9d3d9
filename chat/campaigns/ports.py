"""What campaigns need of a store and of accounts."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.models import AuditEntry, GuestLink, User
from chat.campaigns.comparison_models import NewComparison, StoredComparison
from chat.campaigns.live_models import LinkLimits, LiveState
from chat.campaigns.models import (
    Campaign,
    CampaignCounts,
    Comparison,
    Participant,
    Plan,
    SurveyAnswers,
    VariantProgress,
    Visit,
    VoteChoice,
)
from chat.conversations.models import Archive, Turn
from chat.conversations.turns import PreparedTurn


class ComparisonStore(Protocol):
    """Stores comparisons. Another user's raises NotFound, as an unknown one does."""

    async def ask(self, new: NewComparison, prepared: Sequence[PreparedTurn]) -> Sequence[Turn]:
        """Write a comparison, both questions and pending answers, left first, in one transaction.

        A repeated request returns the existing turns. Raises NotFound for a user who has
        withdrawn, AnswerRunning, BadRequest.
        """
        ...

    async def pair_counts(self, campaign_id: str) -> Mapping[tuple[int, int], int]:
        """How often each pair of variants was asked, the lower one first."""
        ...

    async def of_request(self, user_id: str, request_id: str) -> Comparison | None: ...

    async def comparison(self, user_id: str, comparison_id: str) -> StoredComparison:
        """Raises NotFound."""
        ...

    async def comparisons(
        self, user_id: str, campaign_id: str, limit: int
    ) -> Sequence[StoredComparison]:
        """The newest ones, oldest first."""
        ...

    async def vote(
        self, user_id: str, comparison_id: str, choice: VoteChoice, comment: str, at: datetime
    ) -> Comparison:
        """The comparison with this vote; a vote that it replaces is kept as an earlier one.

        The same choice again changes nothing. Raises NotFound, AnswersUnfinished, and VoteFrozen
        for a change after the user's next question in the campaign, or after MAX_EARLIER_VOTES.
        """
        ...

    async def skip(self, user_id: str, comparison_id: str, reason: str) -> Comparison:
        """Keep why there is no vote; a vote that was given stays.

        Raises NotFound, AnswersUnfinished.
        """
        ...

    async def comment(self, user_id: str, comparison_id: str, comment: str) -> Comparison:
        """Raises NotFound."""
        ...


class Visits(Protocol):
    """What comparisons need of participation."""

    async def visit(self, user: User, campaign_id: str) -> Visit:
        """Raises NotFound."""
        ...

    async def tick(self, user: User, campaign_id: str, task_id: str, *, done: bool) -> Participant:
        """Mark a task as done or not done. Raises NotFound, ConsentNeeded."""
        ...


class Participants(Protocol):
    """What enrolment needs of the store of campaigns."""

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def participant(self, campaign_id: str, user_id: str) -> Participant | None: ...

    async def seen(self, campaign_id: str, user_id: str, at: datetime) -> None: ...


class CampaignStore(Protocol):
    """Stores campaigns. Every change is written with its audit entry in one transaction."""

    async def add(self, campaign: Campaign, audit_entry: AuditEntry) -> None: ...

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def campaigns(self, owner_id: str | None) -> Sequence[Campaign]:
        """The campaigns of one user, or of all, newest first."""
        ...

    async def change_plan(self, campaign_id: str, plan: Plan, audit_entry: AuditEntry) -> Campaign:
        """A draft is one no longer.

        Raises NotFound, PlanInUse when there are testers and a fixed field would change.

        The owner's own trial does not count: its data are deleted when such a field changes.
        """
        ...

    async def save_draft(self, campaign_id: str, plan: Plan) -> Campaign:
        """Without an audit entry: a draft is saved with every pause in typing.

        Raises NotFound, also for a campaign that is no draft.
        """
        ...

    async def close(
        self, campaign_id: str, closed_at: datetime | None, audit_entry: AuditEntry
    ) -> Campaign:
        """Close, or (None) reopen. Raises NotFound."""
        ...

    async def delete(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        """Delete a campaign, its links, guests and tester data; return the row count.

        The count becomes the detail of the audit entry. Raises NotFound.
        """
        ...

    async def destroy_tester_data(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        """Delete its guests and the data of its testers, not the plan; return the row count.

        Without such rows no audit entry is written. The count becomes its detail.
        """
        ...

    async def links(self, campaign_id: str) -> Sequence[GuestLink]:
        """The guest links of the campaign, newest first."""
        ...

    async def counts(
        self, campaign_id: str, *, active_since: datetime, silent_since: datetime
    ) -> CampaignCounts:
        """Counts without the owner's own trial, unless the owner is the local user."""
        ...

    async def testers(
        self, campaign_id: str, *, silent_since: datetime
    ) -> Sequence[VariantProgress]:
        """The testers by variant of a split test, as `counts` counts; empty in other modes."""
        ...

    async def skipped(self, campaign_id: str, limit: int) -> Sequence[Comparison]:
        """The newest comparisons that testers skipped, newest first."""
        ...


class LiveStore(Protocol):
    """Reads and steers a campaign while it runs. An unknown campaign raises NotFound.

    Every change is written with its audit entry in one transaction.
    """

    async def version(self, campaign_id: str) -> str:
        """A text that changes with what `state` and the counts show; a few indexed reads."""
        ...

    async def state(self, campaign_id: str) -> LiveState:
        """Testers and events without the owner's own trial, unless that is the local user."""
        ...

    async def pause(
        self, campaign_id: str, paused_at: datetime | None, audit_entry: AuditEntry
    ) -> None:
        """Pause, or (None) resume; no change writes no audit entry."""
        ...

    async def tell(self, campaign_id: str, notice: str, audit_entry: AuditEntry) -> None:
        """Replace what all testers are told; no change writes no audit entry."""
        ...

    async def extend(
        self, campaign_id: str, ends_at: datetime | None, until: datetime, audit_entry: AuditEntry
    ) -> None:
        """Set the end; links that are not revoked, and their guests, stay until `until`."""
        ...

    async def raise_link(
        self,
        campaign_id: str,
        link_id: str,
        change: Callable[[GuestLink], LinkLimits],
        audit_entry: AuditEntry,
    ) -> None:
        """Give a link of the campaign other limits, which become the detail of the audit entry.

        Raises NotFound, and what `change` raises.
        """
        ...

    async def chat(self, campaign_id: str, conversation_id: str) -> Archive:
        """Raises NotFound, also for a conversation of another campaign."""
        ...


class ParticipationStore(Protocol):
    """Stores participants of campaigns and their data."""

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def participant(self, campaign_id: str, user_id: str) -> Participant | None: ...

    async def join(self, campaign_id: str, user_id: str, at: datetime) -> Participant:
        """The existing participant, or a new one without consent. Raises NotFound."""
        ...

    async def agree(
        self,
        campaign_id: str,
        user_id: str,
        *,
        digest: str,
        at: datetime,
        page_language: str,
        choose: Callable[[Sequence[int]], int],
    ) -> Participant:
        """Store the consent to the text with that digest, once.

        In a split test `choose` draws one of the variants with the fewest testers, in the same
        transaction. Raises NotFound, and ConsentNeeded when the text has changed meanwhile.
        """
        ...

    async def seen(self, campaign_id: str, user_id: str, at: datetime) -> None: ...

    async def tick(
        self, campaign_id: str, user_id: str, task_id: str, *, done: bool, at: datetime
    ) -> Participant:
        """Raises NotFound."""
        ...

    async def keep_survey(
        self, campaign_id: str, user_id: str, answers: SurveyAnswers, *, at: datetime, send: bool
    ) -> Participant:
        """Merge these answers into the stored ones; a survey that was sent can be sent again.

        Raises NotFound.
        """
        ...

    async def conversations(self, campaign_id: str, user_id: str) -> Collection[str]:
        """The ids of the user's conversations in a campaign."""
        ...

    async def withdraw(self, campaign_id: str, user_id: str) -> int:
        """Delete all data of a user in a campaign; return the row count. Raises NotFound."""
        ...
