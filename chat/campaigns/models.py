"""Campaigns as values: what a host plans, who takes part, and what was voted.

Knows no page, no link and no SQL.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chat.accounts.models import CAMPAIGN_GRACE
from chat.models import PresetRef, Sampling
from chat.validation import later


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

    @property
    def survey_end(self) -> datetime | None:
        """Until when the survey can be sent, if that is known."""
        return later(self.end, CAMPAIGN_GRACE) if self.end else None

    @property
    def destroyed_at(self) -> datetime | None:
        """When what testers left is destroyed; None where that was not promised."""
        keep = self.plan.keep_days
        return later(self.end, timedelta(days=keep)) if self.end and keep is not None else None


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
