"""The page of blind comparisons: a question, two answers side by side without names, a vote.

Nothing on it identifies the variant that gave an answer. Knows no Markdown: `render_markdown`
renders the text of an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from markupsafe import Markup

from chat.campaigns.comparison_models import ComparisonView
from chat.campaigns.models import Task, Visit, VoteChoice
from chat.campaigns.translation import in_language
from chat.campaigns.validation import MAX_VOTE_COMMENT
from chat.conversations.models import Progress
from chat.models import Status
from chat.validation import MAX_CHARACTERS
from pages.html import PageLocale, render, render_macro

SCRIPT = "compare.js"
PARTS = "campaigns/comparison_card.html"
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

MarkdownRenderer = Callable[[str], Markup]
"""Renders Markdown as HTML without scripts."""


@dataclass(frozen=True, slots=True)
class SideView:
    """One answer as far as it is generated. `answer` None: no text yet."""

    answer: Markup | None
    state: str


@dataclass(frozen=True, slots=True)
class ComparisonActions:
    """The actions of a comparison. `voted` is the key of the text of a vote; empty: none.
    `skip_reason` is why it was skipped; empty: it was not. `choice` is the vote.

    `request_id` makes asking again idempotent.
    """

    id: str
    is_open: bool
    is_complete: bool
    voted: str
    choice: VoteChoice | None
    comment: str
    skip_reason: str
    may_ask: bool
    request_id: str
    choices: Sequence[tuple[VoteChoice, str]] = CHOICES
    max_comment: int = MAX_VOTE_COMMENT


@dataclass(frozen=True, slots=True)
class ComparisonCard:
    """A question with both answers."""

    id: str
    question: str
    is_open: bool
    left: SideView
    right: SideView
    actions: ComparisonActions


@dataclass(frozen=True, slots=True)
class TaskList:
    """The tasks of a campaign, with the ids of those that the tester has ticked."""

    campaign_id: str
    tasks: Sequence[Task]
    done: Sequence[str]


def compare_page(
    locale: PageLocale,
    visit: Visit,
    comparisons: Sequence[ComparisonView],
    render_markdown: MarkdownRenderer,
) -> Markup:
    """The whole page: tasks, earlier comparisons, and the form of the next question."""
    campaign, may_ask = visit.campaign, visit.may_ask
    plan = in_language(campaign.plan, locale.language)
    return render(
        "campaigns/compare.html",
        locale,
        heading=plan.title,
        script=SCRIPT,
        may_ask=may_ask,
        task_list=_task_list(locale, visit),
        comparisons=[
            _card(locale, one, render_markdown, may_ask=may_ask and one is comparisons[-1])
            for one in comparisons
        ],
        campaign=campaign,
        campaign_id=campaign.id,
        has_survey=bool(campaign.plan.survey),
        max_question=MAX_CHARACTERS,
        request_id=uuid4().hex,
    )


def comparison_html(
    locale: PageLocale,
    view: ComparisonView,
    render_markdown: MarkdownRenderer,
    *,
    may_ask: bool = True,
) -> Markup:
    """One question with both answers, and what can be done with them."""
    card = _card(locale, view, render_markdown, may_ask=may_ask)
    return render_macro(PARTS, "card", locale, card)


def side_html(locale: PageLocale, progress: Progress, render_markdown: MarkdownRenderer) -> Markup:
    """An answer as far as it is generated, without any number that could identify its variant."""
    return render_macro(PARTS, "side", locale, _side(locale, progress, render_markdown))


def actions_html(
    locale: PageLocale,
    view: ComparisonView,
    *,
    may_ask: bool = True,
) -> Markup:
    """What can be done with a comparison: stop it, vote, change or comment on the vote, or ask
    again. pages.css hides the buttons that change a vote where another question follows.
    """
    actions = _actions(view, may_ask=may_ask)
    return render_macro(PARTS, "actions", locale, actions)


def tasks_html(locale: PageLocale, visit: Visit) -> Markup:
    """The tasks with the state of each; empty where there are none."""
    return render_macro(PARTS, "tasks", locale, _task_list(locale, visit))


def _task_list(locale: PageLocale, visit: Visit) -> TaskList:
    done = visit.participant.done if visit.participant else ()
    plan = in_language(visit.campaign.plan, locale.language)
    return TaskList(visit.campaign.id, plan.tasks, done)


def _card(
    locale: PageLocale, view: ComparisonView, render_markdown: MarkdownRenderer, *, may_ask: bool
) -> ComparisonCard:
    return ComparisonCard(
        id=view.comparison.id,
        question=view.comparison.question,
        is_open=view.is_open,
        left=_side(locale, view.left, render_markdown),
        right=_side(locale, view.right, render_markdown),
        actions=_actions(view, may_ask=may_ask),
    )


def _side(locale: PageLocale, progress: Progress, render_markdown: MarkdownRenderer) -> SideView:
    return SideView(
        render_markdown(progress.text) if progress.text else None, _state(locale, progress)
    )


def _state(locale: PageLocale, progress: Progress) -> str:
    if progress.status is Status.PENDING:
        if progress.position is None:
            return locale.text("answer-waiting")
        return locale.text("answer-in-line", position=progress.position)
    if progress.status is Status.STREAMING:
        return locale.text("answer-writing")
    return locale.text(ENDS[progress.status]) if progress.status in ENDS else ""


def _actions(view: ComparisonView, *, may_ask: bool) -> ComparisonActions:
    comparison = view.comparison
    return ComparisonActions(
        id=comparison.id,
        is_open=view.is_open,
        is_complete=view.is_complete,
        voted=VOTED[comparison.choice] if comparison.choice else "",
        choice=comparison.choice,
        comment=comparison.comment,
        skip_reason=comparison.skip_reason,
        may_ask=may_ask,
        request_id=uuid4().hex,
    )
