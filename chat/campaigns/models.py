"""Values of campaigns: plans, participants, comparisons, counts and visits.

Knows no page, no link and no SQL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from chat.accounts.models import CAMPAIGN_GRACE
from chat.models import PresetRef, Sampling
from chat.validation import later


class Mode(StrEnum):
    """One variant; blind comparison of two or more, always two at once; split test, in which each
    tester gets one of two."""

    SINGLE = "single"
    BLIND = "blind"
    SPLIT = "split"


@dataclass(frozen=True, slots=True)
class Variant:
    """The settings of answers. They are a copy: `preset` only names the preset they came from.

    `engine` is the name of an engine (see `chat.serving.engines`); empty is the first.
    """

    name: str
    system_prompt: str = ""
    sampling: Sampling = field(default_factory=Sampling)
    preset: PresetRef | None = None
    engine: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """A task for testers. `question`, if any, can be copied into the input box with a click.

    Fields that begin with `other_` are the same text in the plan's other language.
    """

    id: str
    title: str
    instructions: str = ""
    question: str = ""
    other_title: str = ""
    other_instructions: str = ""
    other_question: str = ""


class QuestionKind(StrEnum):
    """A scale from 1 to 5, a rating from 0 to 10, words, one or several of the options."""

    SCALE = "scale"
    RATING = "rating"
    TEXT = "text"
    CHOICE = "choice"
    CHOICES = "choices"

    @property
    def numbers(self) -> range:
        """The numbers that answer such a question; empty for words and options."""
        return NUMBERS.get(self, range(0))

    @property
    def has_options(self) -> bool:
        return self in (QuestionKind.CHOICE, QuestionKind.CHOICES)


NUMBERS = {QuestionKind.SCALE: range(1, 6), QuestionKind.RATING: range(11)}


@dataclass(frozen=True, slots=True)
class SurveyQuestion:
    """`low` and `high` name the ends of a scale. Fields with `other_` are as those of a task."""

    id: str
    kind: QuestionKind
    text: str
    low: str = ""
    high: str = ""
    options: tuple[str, ...] = ()
    other_text: str = ""
    other_low: str = ""
    other_high: str = ""
    other_options: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a campaign. Without `reasons`, `chat.feedback.models.REASONS` are offered.

    `language` is that of the texts where `other_` fields have them in the other language too;
    empty where there is one language. `keep_days` after the end all data of testers are deleted;
    None keeps them.
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
    language: str = ""
    other_title: str = ""
    other_consent: str = ""
    other_thanks: str = ""

    @property
    def conceals_variants(self) -> bool:
        """Whether testers are not told models and settings: where variants are compared."""
        return self.mode is not Mode.SINGLE


@dataclass(frozen=True, slots=True)
class Campaign:
    """A campaign with its plan. `plan_version` is incremented by every change of the plan.

    The plan of a draft may be half-written; nobody takes part in one.
    While `paused_at` is set no questions are accepted. `notice` is what the host tells all testers.
    """

    id: str
    owner_id: str
    plan: Plan
    created_at: datetime
    plan_version: int = 1
    closed_at: datetime | None = None
    is_draft: bool = False
    paused_at: datetime | None = None
    notice: str = ""

    @property
    def end(self) -> datetime | None:
        """When it ended or will end; None without an end."""
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
"""Answers to a survey by the id of the question: the number on the scale, the text, the option, or
several options, one a line. Options are those of the plan's own language."""

SurveyInput = Mapping[str, str | int | Sequence[int]]
"""As SurveyAnswers, but options are chosen by their index."""


@dataclass(frozen=True, slots=True)
class Participant:
    """A tester in a campaign. `consent_sha256` is the digest of the accepted consent text.

    `variant` is the index drawn in a split test. `survey` may be incomplete until
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
class EarlierVote:
    """A vote of the comparison's tester that the tester changed later, with its comment."""

    choice: VoteChoice
    voted_at: datetime
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One question that both variants answer. Which is left was drawn when it was asked.

    `skip_reason` is why the tester did not vote on it; empty if the tester voted or has to decide.
    `choice` is the newest vote, which counts; `earlier_votes` are those before it, oldest first.
    """

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
    skip_reason: str = ""
    earlier_votes: tuple[EarlierVote, ...] = ()

    @property
    def is_decided(self) -> bool:
        """Whether the tester has voted on it or skipped it."""
        return self.choice is not None or self.skip_reason != ""

    @property
    def winner(self) -> int | None:
        """The variant that was voted for; None without a vote, for a tie and for both bad."""
        sides = {VoteChoice.LEFT: self.left, VoteChoice.RIGHT: self.right}
        return sides[self.choice].variant if self.choice in sides else None


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Counts of a campaign. `came` have opened the consent page, `consented` have agreed; of those,
    `finished` have sent the survey; others are `active`, recently inactive, or `dropped_out`.

    `failures` are answers that ended with an error, `up` and `down` are current ratings. Of blind
    comparisons `votes` were voted on, `skipped` were skipped, and `unvoted` wait for a decision.
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
    skipped: int = 0
    unvoted: int = 0


@dataclass(frozen=True, slots=True)
class VariantProgress:
    """Testers of one variant of a split test: consented, and of those finished or dropped out."""

    consented: int = 0
    finished: int = 0
    dropped_out: int = 0


class VisitStage(StrEnum):
    """The stage of a tester in a campaign."""

    NOT_BEGUN = "not-begun"
    CONSENT = "consent"
    WORK = "work"
    SURVEY = "survey"
    """The campaign is over; its survey can still be sent."""
    OVER = "over"
    FINISHED = "finished"


@dataclass(frozen=True, slots=True)
class Visit:
    """A campaign for one tester. `participant` is None before the consent page was opened."""

    campaign: Campaign
    participant: Participant | None
    stage: VisitStage

    @property
    def may_answer(self) -> bool:
        """Whether the survey is open to the user. A deadline is checked when it is sent."""
        return self.stage in (VisitStage.WORK, VisitStage.SURVEY, VisitStage.FINISHED)

    @property
    def may_ask(self) -> bool:
        """Whether questions are accepted, as far as the campaign is concerned."""
        return self.stage in (VisitStage.WORK, VisitStage.FINISHED)

    @property
    def compares(self) -> bool:
        """Whether the campaign is a blind comparison."""
        return self.campaign.plan.mode is Mode.BLIND
