"""The page of blind comparisons: a question, two answers side by side without names, a vote.

Nothing on it identifies the variant that gave an answer. Knows no Markdown: `draw` renders the text
of an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from markupsafe import Markup

from chat.campaigns.comparisons import MAX_COMMENT, ComparisonView
from chat.campaigns.models import Task, VoteChoice
from chat.campaigns.participation import Visit, VisitStage
from chat.conversations.models import Progress
from chat.models import Status
from chat.validation import MAX_CHARACTERS
from pages.html import ReaderContext, render, render_macro

SCRIPT = "compare.js"
PARTS = "campaigns/round.html"
ASKING = (VisitStage.WORK, VisitStage.FINISHED)
"""Stages with the form of a question. An end in the meantime is reported by the request."""

CHOICES = (
    (VoteChoice.LEFT, "vote-left"),
    (VoteChoice.RIGHT, "vote-right"),
    (VoteChoice.TIE, "vote-tie"),
    (VoteChoice.BOTH_BAD, "vote-both-bad"),
)
"""The choices in the order of their keys on the keyboard, with the keys of their texts."""

VOTED = {
    VoteChoice.LEFT: "voted-left",
    VoteChoice.RIGHT: "voted-right",
    VoteChoice.TIE: "voted-tie",
    VoteChoice.BOTH_BAD: "voted-both-bad",
}

ENDS = {
    Status.STOPPED: "answer-stopped",
    Status.ERROR: "answer-failed",
    Status.INTERRUPTED: "answer-interrupted",
}

Draw = Callable[[str], Markup]
"""Renders Markdown as HTML without scripts."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One answer as far as it is generated. `answer` None: no text yet."""

    answer: Markup | None
    state: str


@dataclass(frozen=True, slots=True)
class ComparisonActions:
    """What can be done with a comparison. `voted` is the key of the text of a vote; empty: none.

    `voted_before`: this vote was too late, another one is stored. `request_id` makes asking again
    idempotent.
    """

    id: str
    is_open: bool
    is_complete: bool
    voted: str
    voted_before: bool
    comment: str
    may_ask: bool
    request_id: str
    choices: Sequence[tuple[VoteChoice, str]] = CHOICES
    max_comment: int = MAX_COMMENT


@dataclass(frozen=True, slots=True)
class ComparisonCard:
    """A question with both answers."""

    id: str
    question: str
    is_open: bool
    left: SideView
    right: SideView
    foot: ComparisonActions


@dataclass(frozen=True, slots=True)
class TaskList:
    """The tasks of a campaign, with the ids of those that the tester has ticked."""

    campaign_id: str
    tasks: Sequence[Task]
    done: Sequence[str]


def compare_page(
    reader: ReaderContext, visit: Visit, rounds: Sequence[ComparisonView], draw: Draw
) -> Markup:
    """The whole page: tasks, earlier comparisons, and the form of the next question."""
    campaign, may_ask = visit.campaign, visit.stage in ASKING
    return render(
        "campaigns/compare.html",
        reader,
        heading=campaign.plan.title,
        script=SCRIPT,
        may_ask=may_ask,
        task_list=_task_list(visit),
        rounds=[_card(reader, one, draw, may_ask=may_ask and one is rounds[-1]) for one in rounds],
        campaign_id=campaign.id,
        has_survey=bool(campaign.plan.survey),
        max_question=MAX_CHARACTERS,
        request_id=uuid4().hex,
    )


def round_html(
    reader: ReaderContext, shown: ComparisonView, draw: Draw, *, may_ask: bool = True
) -> Markup:
    """One question with both answers, and what can be done with them."""
    card = _card(reader, shown, draw, may_ask=may_ask)
    return render_macro(PARTS, "round", reader, card)


def side_html(reader: ReaderContext, progress: Progress, draw: Draw) -> Markup:
    """An answer as far as it is generated, without any number that could identify its variant."""
    return render_macro(PARTS, "side", reader, _side(reader, progress, draw))


def foot_html(
    reader: ReaderContext,
    shown: ComparisonView,
    *,
    may_ask: bool = True,
    voted_before: bool = False,
) -> Markup:
    """What can be done with a comparison: stop it, vote, comment on the vote, or ask again.

    `voted_before`: this vote was too late, another one is stored.
    """
    foot = _actions(shown, may_ask=may_ask, voted_before=voted_before)
    return render_macro(PARTS, "foot", reader, foot)


def tasks_html(reader: ReaderContext, visit: Visit) -> Markup:
    """The tasks with the state of each; empty where there are none."""
    return render_macro(PARTS, "tasks", reader, _task_list(visit))


def _task_list(visit: Visit) -> TaskList:
    done = visit.participant.done if visit.participant else ()
    return TaskList(visit.campaign.id, visit.campaign.plan.tasks, done)


def _card(
    reader: ReaderContext, shown: ComparisonView, draw: Draw, *, may_ask: bool
) -> ComparisonCard:
    return ComparisonCard(
        id=shown.duel.id,
        question=shown.duel.question,
        is_open=shown.is_open,
        left=_side(reader, shown.left, draw),
        right=_side(reader, shown.right, draw),
        foot=_actions(shown, may_ask=may_ask),
    )


def _side(reader: ReaderContext, progress: Progress, draw: Draw) -> SideView:
    return SideView(draw(progress.text) if progress.text else None, _state(reader, progress))


def _state(reader: ReaderContext, progress: Progress) -> str:
    if progress.status is Status.PENDING:
        if progress.position is None:
            return reader.text("answer-waiting")
        return reader.text("answer-in-line", position=progress.position)
    if progress.status is Status.STREAMING:
        return reader.text("answer-writing")
    return reader.text(ENDS[progress.status]) if progress.status in ENDS else ""


def _actions(
    shown: ComparisonView, *, may_ask: bool, voted_before: bool = False
) -> ComparisonActions:
    duel = shown.duel
    return ComparisonActions(
        id=duel.id,
        is_open=shown.is_open,
        is_complete=shown.is_complete,
        voted=VOTED[duel.choice] if duel.choice else "",
        voted_before=voted_before,
        comment=duel.comment,
        may_ask=may_ask,
        request_id=uuid4().hex,
    )
