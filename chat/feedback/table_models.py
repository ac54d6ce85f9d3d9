"""The rows of a campaign's tables, as a store finds them and a file takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.accounts.models import LOCAL
from chat.campaigns.models import Campaign, Mode, Participant, SurveyQuestion, Task
from chat.conversations.models import Message
from chat.feedback.models import AnswerSnapshot, Rating, Review
from chat.feedback.result_models import VotedComparison


class Table(StrEnum):
    """The tables of a campaign, in their order. Each holds items of one type.

    `unvoted` are comparisons that were skipped or wait for a decision, `unrated` answers of chats
    that nobody rated, `dropouts` testers who agreed and stopped before the end.
    """

    TESTERS = "testers"
    TASKS = "tasks"
    RATINGS = "ratings"
    VOTES = "votes"
    UNVOTED = "unvoted"
    SURVEY = "survey"
    UNRATED = "unrated"
    DROPOUTS = "dropouts"


class ParticipantState(StrEnum):
    """How far a tester is. Who has only seen the consent text has `visited`."""

    VISITED = "visited"
    WORKING = "working"
    FINISHED = "finished"
    DROPPED_OUT = "dropped-out"


@dataclass(frozen=True, slots=True)
class ParticipantActivity:
    """A participant, with the counts of what the tester did in the campaign."""

    participant: Participant
    questions: int = 0
    ratings: int = 0
    votes: int = 0
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class TaskProgress:
    """A task of the plan, from 1, and how many testers marked it done."""

    number: int
    task: Task
    done: int


@dataclass(frozen=True, slots=True)
class GivenRating:
    """What one tester says of one answer now."""

    snapshot: AnswerSnapshot
    rating: Rating
    review: Review | None


@dataclass(frozen=True, slots=True)
class SurveyReply:
    """One tester's answer to one question of the survey, whose number counts from 1."""

    participant: Participant
    number: int
    question: SurveyQuestion
    answer: str | int


@dataclass(frozen=True, slots=True)
class UnratedAnswer:
    """An answer of a chat without a rating, and its question. `variant` as the tester's."""

    answer: Message
    user_id: str
    question: str
    title: str
    variant: int | None = None


TableItem = (
    ParticipantActivity | TaskProgress | GivenRating | VotedComparison | SurveyReply | UnratedAnswer
)


@dataclass(frozen=True, slots=True)
class TablesHead:
    """What all tables of a campaign have in common.

    Testers who were not seen since `silent_since` have dropped out. `names` are those of users.
    """

    campaign: Campaign
    created_at: datetime
    silent_since: datetime
    names: Mapping[str, str] = field(default_factory=dict)

    def state_of(self, participant: Participant) -> ParticipantState:
        """As `chat.campaigns.models.CampaignCounts` counts."""
        if participant.consented_at is None:
            return ParticipantState.VISITED
        if participant.survey_sent_at is not None:
            return ParticipantState.FINISHED
        is_silent = participant.seen_at is not None and participant.seen_at < self.silent_since
        return ParticipantState.DROPPED_OUT if is_silent else ParticipantState.WORKING

    def is_own_trial(self, user_id: str) -> bool:
        """Whether the user is the host, whose trial counts in no result; never the local user."""
        return user_id == self.campaign.owner_id != LOCAL.id

    def variant_of(self, variant: int | None) -> int | None:
        """The index of a variant: the only one where there is one."""
        return 0 if self.campaign.plan.mode is Mode.SINGLE else variant
