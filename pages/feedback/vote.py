"""One vote for hosts: the question, both answers side by side with their variants, the choice.

Knows no Markdown: `render_markdown` renders the text of an answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from markupsafe import Markup

from chat.accounts.models import User
from chat.campaigns.models import Campaign, Comparison, Side
from chat.conversations.models import Message
from chat.conversations.prompt import prompt_from
from chat.feedback.result_models import VotedComparison
from chat.feedback.vote_models import VoteFilter
from chat.models import ChatMessage, Role
from pages.campaigns.compare import MarkdownRenderer
from pages.feedback.origin import AnswerOrigin, cost_of, origin_of
from pages.feedback.votes import (
    SCRIPT,
    VoteOutcome,
    is_trial,
    outcome_of,
    task_title,
    variant_name,
    votes_path,
)
from pages.host_nav import render_host_page
from pages.html import PageLocale


@dataclass(frozen=True, slots=True)
class VoteView:
    """The values of the page. `presets` and `names` are names by id, `next_id` a vote's."""

    voted: VotedComparison
    filters: VoteFilter
    campaign: Campaign | None
    render_markdown: MarkdownRenderer
    next_id: str | None = None
    presets: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SideAnswer:
    """An answer with the messages of its prompt, without the question that both sides share."""

    html: Markup
    messages: Sequence[ChatMessage]
    origin: AnswerOrigin | None
    cost: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class SideColumn:
    """One side below the name of its variant. `answer` None: it was deleted."""

    label: str
    variant: str
    has_won: bool
    answer: SideAnswer | None


@dataclass(frozen=True, slots=True)
class ReplacedVote:
    """A vote that the tester changed later."""

    outcome: VoteOutcome
    voted_at: datetime
    comment: str


def vote_page(locale: PageLocale, user: User, view: VoteView) -> Markup:
    """One vote with all its data."""
    voted, comparison, campaign = view.voted, view.voted.comparison, view.campaign
    following = votes_path(view.filters, comparison_id=view.next_id) if view.next_id else ""
    return render_host_page(
        "feedback/vote.html",
        locale,
        user,
        script=SCRIPT,
        list_path=votes_path(view.filters),
        next_path=following,
        campaign_path=f"/campaigns/{comparison.campaign_id}",
        question=comparison.question,
        sides=(
            _side(view, "side-left", comparison.left, voted.left),
            _side(view, "side-right", comparison.right, voted.right),
        ),
        outcome=outcome_of(locale, comparison, campaign),
        tester=view.names.get(comparison.user_id, "–"),
        is_own_trial=is_trial(comparison, campaign),
        task=task_title(campaign, comparison.task_id) if comparison.task_id else None,
        voted_at=comparison.voted_at or comparison.asked_at,
        comment=comparison.comment,
        replaced=_replaced(locale, comparison, campaign),
    )


def _replaced(
    locale: PageLocale, comparison: Comparison, campaign: Campaign | None
) -> Sequence[ReplacedVote]:
    """The earlier votes, newest first."""
    return [
        ReplacedVote(
            outcome_of(locale, replace(comparison, choice=vote.choice), campaign),
            vote.voted_at,
            vote.comment,
        )
        for vote in reversed(comparison.earlier_votes)
    ]


def _side(view: VoteView, label: str, side: Side, path: Sequence[Message]) -> SideColumn:
    return SideColumn(
        label=label,
        variant=variant_name(view.campaign, side.variant),
        has_won=view.voted.comparison.winner == side.variant,
        answer=_answer(view, path) if path else None,
    )


def _answer(view: VoteView, path: Sequence[Message]) -> SideAnswer:
    answer, messages = path[-1], prompt_from(path)
    ends_with_question = messages[-1:] and messages[-1].role is Role.USER
    return SideAnswer(
        html=view.render_markdown(answer.content),
        messages=messages[:-1] if ends_with_question else messages,
        origin=origin_of(answer.provenance, view.presets),
        cost=cost_of(answer.usage, answer.timing),
    )
