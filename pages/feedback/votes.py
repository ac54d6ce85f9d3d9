"""Votes of blind comparisons for hosts: the list with its filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from string import ascii_uppercase
from urllib.parse import quote

from markupsafe import Markup

from chat.accounts.models import User
from chat.campaigns.models import Campaign, Comparison, VoteChoice
from chat.feedback.filter_models import Cursor, ListFilter
from chat.feedback.vote_models import (
    VoteCounts,
    VoteFilter,
    VoteFilterOptions,
    VotePage,
)
from chat.feedback.votes import is_own_trial
from pages.feedback.filters import FilterField, day_field, excerpt, query_string, select_field
from pages.host_nav import render_host_page
from pages.html import PageLocale

SCRIPT = "results.js"
CHOICES = (
    (VoteChoice.LEFT, "side-left"),
    (VoteChoice.RIGHT, "side-right"),
    (VoteChoice.TIE, "votes-tied"),
    (VoteChoice.BOTH_BAD, "votes-both-bad"),
)
"""The choices in the order of the filter, with the keys of their texts."""


@dataclass(frozen=True, slots=True)
class VoteListView:
    """The values of the page. `names` are names by user id."""

    filters: VoteFilter
    page: VotePage
    counts: VoteCounts
    options: VoteFilterOptions
    names: Mapping[str, str] = field(default_factory=dict)
    first_page: bool = True


@dataclass(frozen=True, slots=True)
class VoteOutcome:
    """The outcome of a vote. `variant` None: neither; `text` is the side or the kind of neither."""

    text: str
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class ListedVote:
    """A vote in the list."""

    path: str
    question: str
    outcome: VoteOutcome
    comment: str
    campaign: str
    task: str
    tester: str
    is_own_trial: bool
    voted_at: datetime


def votes_page(locale: PageLocale, user: User, view: VoteListView) -> Markup:
    """The list of votes with its filter."""
    following = view.page.next
    chosen = view.filters.campaign_id
    return render_host_page(
        "feedback/votes.html",
        locale,
        user,
        script=SCRIPT,
        search_words=view.filters.words,
        fields=_fields(locale, view),
        counts=_counts(locale, view),
        campaign_path=f"/campaigns/{quote(chosen, safe='')}" if chosen else "",
        results_path=_results_path(view.filters),
        rows=[_row(locale, view, comparison) for comparison in view.page.items],
        first_path="" if view.first_page else votes_path(view.filters),
        next_path=votes_path(view.filters, following) if following else "",
    )


def votes_path(filters: VoteFilter, after: Cursor | None = None, comparison_id: str = "") -> str:
    """The address of the list, or of one vote, with the filter as its query."""
    query = query_string(
        filters,
        after,
        choice=filters.choice or "",
        winner="" if filters.winner is None else str(filters.winner),
        task=filters.task_id,
        tester=filters.tester,
        commented="1" if filters.commented else "",
    )
    return f"/results/votes{comparison_id and f'/{comparison_id}'}{query}"


def outcome_of(
    locale: PageLocale, comparison: Comparison, campaign: Campaign | None
) -> VoteOutcome:
    """The variant that was voted for and its side; or that none was."""
    if comparison.winner is None:
        neither = "votes-tied" if comparison.choice is VoteChoice.TIE else "votes-both-bad"
        return VoteOutcome(locale.text(neither))
    side = "side-left" if comparison.choice is VoteChoice.LEFT else "side-right"
    return VoteOutcome(locale.text(side), variant_name(campaign, comparison.winner))


def variant_name(campaign: Campaign | None, index: int) -> str:
    """The name of a variant; its letter where the plan is unknown."""
    variants = campaign.plan.variants if campaign else ()
    return variants[index].name if index < len(variants) else variant_letter(index)


def variant_letter(index: int) -> str:
    """The letter of a variant by its place in the plan."""
    return ascii_uppercase[index]


def task_title(campaign: Campaign | None, task_id: str) -> str:
    """The title of a task; a dash where the plan is unknown."""
    tasks = {task.id: task.title for task in campaign.plan.tasks} if campaign else {}
    return tasks.get(task_id, "–")


def is_trial(comparison: Comparison, campaign: Campaign | None) -> bool:
    """Whether the host of the campaign voted, whose votes count in no rate."""
    return campaign is not None and is_own_trial(comparison, campaign)


def _fields(locale: PageLocale, view: VoteListView) -> Sequence[FilterField]:
    filters, campaigns, names = view.filters, view.options.campaigns, view.names
    titles = [(campaign.id, campaign.plan.title) for campaign in campaigns.values()]
    testers = [(tester, names.get(tester, "–")) for tester in view.options.testers]
    testers.sort(key=lambda option: option[1].casefold())
    choices = [(choice.value, locale.text(key)) for choice, key in CHOICES]
    commented = [("1", locale.text("only-commented"))]
    return [
        select_field(locale, "campaign", titles, filters.campaign_id),
        select_field(locale, "choice", choices, filters.choice or ""),
        *_plan_fields(locale, filters, campaigns.get(filters.campaign_id)),
        select_field(locale, "tester", testers, filters.tester),
        select_field(locale, "commented", commented, "1" * filters.commented),
        day_field("since", filters.since, "filter-voted-since"),
        day_field("until", filters.until, "filter-voted-until"),
    ]


def _plan_fields(
    locale: PageLocale, filters: VoteFilter, campaign: Campaign | None
) -> Sequence[FilterField]:
    """The fields whose options come from a campaign's plan: variants and tasks."""
    winner = "" if filters.winner is None else str(filters.winner)
    plan = campaign.plan if campaign else None
    named = enumerate(plan.variants) if plan else ()
    variants = [(str(index), variant.name) for index, variant in named]
    tasks = [(task.id, task.title) for task in plan.tasks] if plan else []
    fields = []
    if variants or winner:
        fields.append(select_field(locale, "winner", variants, winner))
    if tasks or filters.task_id:
        fields.append(select_field(locale, "task", tasks, filters.task_id))
    return fields


def _results_path(filters: VoteFilter) -> str:
    """The list of rated answers, where data are exported, of the same campaign and days."""
    return f"/results{query_string(ListFilter(filters.campaign_id, filters.since, filters.until))}"


def _counts(locale: PageLocale, view: VoteListView) -> Sequence[tuple[str, str]]:
    """By the variants' names where all votes are of one campaign, else by side."""
    counts, campaign = view.counts, view.options.campaigns.get(view.filters.campaign_id)
    won: list[tuple[str, int]]
    if campaign is None:
        won = [(locale.text("side-left"), counts.left), (locale.text("side-right"), counts.right)]
    else:
        names = [variant.name for variant in campaign.plan.variants]
        won = list(zip(names, counts.won, strict=False))  # of more variants than the plan has
    labelled = [
        (locale.text("count-votes"), counts.votes),
        *((locale.text("votes-won", name=name), count) for name, count in won),
        (locale.text("votes-tied"), counts.ties),
        (locale.text("votes-both-bad"), counts.both_bad),
        (locale.text("count-commented"), counts.commented),
    ]
    return [(label, f"{count:,}") for label, count in labelled]


def _row(locale: PageLocale, view: VoteListView, comparison: Comparison) -> ListedVote:
    campaign = view.options.campaigns.get(comparison.campaign_id)
    return ListedVote(
        path=votes_path(view.filters, comparison_id=comparison.id),
        question=excerpt(comparison.question) or "–",
        outcome=outcome_of(locale, comparison, campaign),
        comment=excerpt(comparison.comment) or "–" if comparison.comment else "",
        campaign=campaign.plan.title if campaign else "–",
        task=task_title(campaign, comparison.task_id),
        tester=view.names.get(comparison.user_id, "–"),
        is_own_trial=is_trial(comparison, campaign),
        voted_at=comparison.voted_at or comparison.asked_at,
    )
