"""Campaigns as values: what a host plans, who takes part, and what was voted.

Knows no page, no link and no SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.models import PresetRef, Sampling


class Mode(StrEnum):
    """One variant for all; two side by side, unnamed; two, of which each tester gets one."""

    SINGLE = "single"
    BLIND = "blind"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Variant:
    """What answers are made with. `preset` is where it was taken from, the rest is a copy of it.

    `engine` is the name of the one that is asked (see `chat.serving.engines`); empty is the first.
    """

    name: str
    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preset: PresetRef | None = None
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A card for testers. `question`, if there is one, can be put into the box with a click."""

    id: str
    title: str
    instructions: str = ""
    question: str = ""


class QuestionKind(StrEnum):
    """A scale from 1 to 5, or words."""

    SCALE = "scale"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """`low` and `high` name the ends of a scale."""

    id: str
    kind: QuestionKind
    text: str
    low: str = ""
    high: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the host has set. Without `reasons` those of `chat.feedback.models.REASONS` are offered.

    Texts are in the host's language. `keep_days` after the end everything that testers left is
    destroyed; None keeps it.
    """

    title: str
    mode: Mode
    variants: tuple[Variant, ...]
    tasks: tuple[Task, ...] = ()
    consent: str = ""
    survey: tuple[SurveyQuestion, ...] = ()
    reasons: tuple[str, ...] = ()
    thanks: str = ""
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    keep_days: int | None = None


@dataclass(frozen=True, slots=True)
class Campaign:
    """A plan that people can take part in. `plan_version` grows with every change of the plan."""

    id: str
    owner_id: str
    plan: Plan
    created_at: datetime
    plan_version: int = 1
    closed_at: datetime | None = None

    @property
    def end(self) -> datetime | None:
        """When it ended or will end, if that is known."""
        return min((at for at in (self.closed_at, self.plan.ends_at) if at), default=None)


SurveyAnswers = Mapping[str, str | int]
"""To a survey: the number of a scale or the text, by the question's id."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A tester in a campaign. `consent_sha256` is the digest of the text that was agreed to.

    `variant` is the index of the one that a split test drew. `survey` may be half done until
    `survey_sent_at`.
    """

    campaign_id: str
    user_id: str
    joined_at: datetime
    consented_at: datetime | None = None
    consent_sha256: str = ""
    variant: int | None = None
    done: tuple[str, ...] = ()
    survey: SurveyAnswers = field(default_factory=dict)
    survey_sent_at: datetime | None = None
    seen_at: datetime | None = None
    page_language: str = ""


class VoteChoice(StrEnum):
    """A vote between two answers."""

    LEFT = "left"
    RIGHT = "right"
    TIE = "tie"
    BOTH_BAD = "both-bad"


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two answers of a comparison, and which variant wrote it."""

    variant: int
    conversation_id: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question that both variants answer. Which is left was drawn when it was asked."""

    id: str
    campaign_id: str
    user_id: str
    question: str
    left: Side
    right: Side
    asked_at: datetime
    task_id: str = ""
    choice: VoteChoice | None = None
    comment: str = ""
    voted_at: datetime | None = None

    @property
    def winner(self) -> int | None:
        """The variant that was voted for; None without a vote, for a tie and for both bad."""
        sides = {VoteChoice.LEFT: self.left, VoteChoice.RIGHT: self.right}
        return sides[self.choice].variant if self.choice in sides else None


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """How a campaign goes. `came` have seen what they were to agree to, `consented` have agreed;
    of those, `finished` have sent the survey, and the others are `active`, silent for a while, or
    `dropped_out`.

    `questions` were asked, `failures` are answers that ended with an error, `votes` are of blind
    comparisons, `up` and `down` of ratings as they are now.
    """

    came: int = 0
    consented: int = 0
    active: int = 0
    finished: int = 0
    dropped_out: int = 0
    questions: int = 0
    failures: int = 0
    up: int = 0
    down: int = 0
    votes: int = 0


@dataclass(frozen=True, slots=True)
class VariantProgress:
    """Those of one variant of a split test: they agreed; of those some finished, some left."""

    consented: int = 0
    finished: int = 0
    dropped_out: int = 0


class VisitStage(StrEnum):
    """Where a tester stands."""

    NOT_BEGUN = "not-begun"
    CONSENT = "consent"
    WORK = "work"
    SURVEY = "survey"
    """The campaign is over, its survey can still be sent."""
    OVER = "over"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Visit:
    """A campaign as one tester meets it. `participant` is None for who never saw its text."""

    campaign: Campaign
    participant: Participant | None
    stage: VisitStage

    @property
    def may_answer(self) -> bool:
        """Whether the survey is for this person now; whether it is too late, sending it says."""
        return self.stage in (VisitStage.WORK, VisitStage.SURVEY, VisitStage.FINISHED)

    @property
    def compares(self) -> bool:
        """Whether questions are asked on the page that compares two answers."""
        return self.campaign.plan.mode is Mode.BLIND
