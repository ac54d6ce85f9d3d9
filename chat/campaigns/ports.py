"""What campaigns need of a store."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Protocol

from chat.accounts.models import AuditEntry, GuestLink, User
from chat.accounts.ports import GuestLinkReader, UserReader
from chat.campaigns.comparison_models import NewComparison, StoredComparison
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
from chat.conversations.models import Turn
from chat.conversations.turns import PreparedTurn


class ComparisonStore(Protocol):
    """Keeps comparisons. Every query takes the user; not-yours raises NotFound like not-there."""

    async def ask(self, new: NewComparison, prepared: Sequence[PreparedTurn]) -> Sequence[Turn]:
        """Write a comparison, both questions and their pending answers, left first, all or nothing.

        A request that came before gives the turns that are there. Raises NotFound for who takes
        part no more, AnswerRunning, BadRequest.
        """
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
        """The comparison with the vote that came first. Raises NotFound, AnswersUnfinished."""
        ...

    async def comment(self, user_id: str, comparison_id: str, comment: str) -> Comparison:
        """Raises NotFound."""
        ...


class Visits(Protocol):
    """What is asked of the service of testers."""

    async def visit(self, user: User, campaign_id: str) -> Visit:
        """Raises NotFound."""
        ...


class EnrolmentUsers(UserReader, GuestLinkReader, Protocol):
    """Reads users and guest links."""


class Participants(Protocol):
    """What is asked of the store of campaigns."""

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def participant(self, campaign_id: str, user_id: str) -> Participant | None: ...

    async def seen(self, campaign_id: str, user_id: str, at: datetime) -> None: ...


class CampaignStore(Protocol):
    """Keeps campaigns. Every change is written together with its line of the audit log."""

    async def add(self, campaign: Campaign, audit_entry: AuditEntry) -> None: ...

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def campaigns(self, owner_id: str | None) -> Sequence[Campaign]:
        """Those of one person, or of all, newest first."""
        ...

    async def change_plan(self, campaign_id: str, plan: Plan, audit_entry: AuditEntry) -> Campaign:
        """Raises NotFound, PlanInUse when somebody takes part and a fixed field would change.

        A trial of the owner's is no part: it is destroyed when such a field changes.
        """
        ...

    async def close(
        self, campaign_id: str, closed_at: datetime | None, audit_entry: AuditEntry
    ) -> Campaign:
        """Close, or (None) open again. Raises NotFound."""
        ...

    async def delete(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        """Destroy a campaign, its links, its guests and all that testers left; how many rows.

        The number becomes the entry's detail. Raises NotFound.
        """
        ...

    async def destroy_tester_data(self, campaign_id: str, audit_entry: AuditEntry) -> int:
        """Destroy its guests and what testers left, not the plan; how many rows.

        Nothing is written where there is nothing. The number becomes the entry's detail.
        """
        ...

    async def links(self, campaign_id: str) -> Sequence[GuestLink]:
        """Those that lead to it, newest first."""
        ...

    async def counts(
        self, campaign_id: str, *, active_since: datetime, silent_since: datetime
    ) -> CampaignCounts:
        """Without what the owner has tried, unless everybody is the local user."""
        ...

    async def testers(
        self, campaign_id: str, *, silent_since: datetime
    ) -> Sequence[VariantProgress]:
        """Those of each variant of a split test; nobody anywhere else. Counted as `figures` are."""
        ...


class ParticipationStore(Protocol):
    """Keeps who takes part in which campaign, and what they left there."""

    async def campaign(self, campaign_id: str) -> Campaign:
        """Raises NotFound."""
        ...

    async def participant(self, campaign_id: str, user_id: str) -> Participant | None: ...

    async def join(self, campaign_id: str, user_id: str, at: datetime) -> Participant:
        """The participant that is there, or a new one who has not agreed yet. Raises NotFound."""
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
        """Write that somebody has agreed to the text with that digest, once.

        A split test's variant is drawn by `choose` from those that fewest have, in one step with
        writing it. Raises NotFound, and ConsentNeeded when the text is another one by now.
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
        """Put these answers over those that are kept; one that is sent can be sent anew.

        Raises NotFound.
        """
        ...

    async def conversations(self, campaign_id: str, user_id: str) -> Collection[str]:
        """Ids of those that somebody holds for a campaign."""
        ...

    async def withdraw(self, campaign_id: str, user_id: str) -> int:
        """Destroy all that somebody left in a campaign; how many rows. Raises NotFound."""
        ...
