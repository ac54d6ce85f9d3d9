"""Votes of blind comparisons for hosts: the list with its filter."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from urllib.parse import quote, urlencode

from chat.accounts.models import User
from chat.campaigns.models import Campaign, Comparison, VoteChoice
from chat.feedback.votes import (
    VoteCounts,
    VoteCursor,
    VoteFilter,
    VoteFilterOptions,
    VotePage,
    is_own_trial,
)
from pages.feedback.filters import day_of, filter_form, further, select_of
from pages.host_nav import host_page
from pages.html import ReaderContext, table, when

SCRIPT = "results.js"
EXCERPT = 90
"""Characters of a question and of a comment in the list."""


@dataclass(frozen=True, slots=True)
class FoundVotes:
    """What the list is made from. `names` are those of people by id."""

    wanted: VoteFilter
    page: VotePage
    counts: VoteCounts
    choices: VoteFilterOptions
    names: Mapping[str, str] = field(default_factory=dict)
    first_page: bool = True


def votes_page(reader: ReaderContext, user: User, found: FoundVotes) -> str:
    """The list of votes, and what it is filtered by."""
    following = found.page.next
    body = _filter_form(reader, found) + _counts(reader, found)
    body += _ways(reader, found.wanted)
    body += f'<div class="ratings votes">{_list(reader, found)}</div>' + further(
        reader,
        "" if found.first_page else votes_path(found.wanted),
        votes_path(found.wanted, following) if following else "",
    )
    if found.page.items:
        body += f'<p class="hint">{reader.say("results-keys")}</p>'
    return host_page(reader, user, "votes", body, script=SCRIPT)


def votes_path(wanted: VoteFilter, after: VoteCursor | None = None, duel_id: str = "") -> str:
    """The address of the list, or of one vote, with the filter at its end."""
    values = {
        "campaign": wanted.campaign_id,
        "choice": wanted.choice or "",
        "winner": "" if wanted.winner is None else str(wanted.winner),
        "task": wanted.task_id,
        "tester": wanted.tester,
        "commented": "1" if wanted.commented else "",
        "since": wanted.since.isoformat() if wanted.since else "",
        "until": wanted.until.isoformat() if wanted.until else "",
        "words": wanted.words,
        "after": f"{after.voted_at.isoformat()}~{after.duel_id}" if after else "",
    }
    chosen = urlencode({name: value for name, value in values.items() if value})
    return f"/results/votes{duel_id and f'/{duel_id}'}{chosen and f'?{chosen}'}"


def link_to_votes(reader: ReaderContext, wanted: VoteFilter) -> str:
    path = reader.link(votes_path(wanted))
    return f'<a class="button quiet" href="{path}">{reader.say("votes-of")}</a>'


def vote_words(reader: ReaderContext, duel: Comparison, campaign: Campaign | None) -> str:
    """The variant that was voted for, by its name and where it stood; or that none was."""
    if duel.winner is None:
        return reader.say("votes-tied" if duel.choice is VoteChoice.TIE else "votes-both-bad")
    side = reader.say("side-left" if duel.choice is VoteChoice.LEFT else "side-right")
    return f"<b>{variant_name(campaign, duel.winner)}</b> <br><em>{side}</em>"


def variant_name(campaign: Campaign | None, index: int) -> str:
    """As text of a page; its letter where nobody knows the plan."""
    variants = campaign.plan.variants if campaign else ()
    return f"<bdi>{escape(variants[index].name if index < len(variants) else 'AB'[index])}</bdi>"


def task_title(campaign: Campaign | None, task_id: str) -> str:
    """As text of a page."""
    tasks = {task.id: task.title for task in campaign.plan.tasks} if campaign else {}
    return f"<bdi>{escape(tasks.get(task_id, '–'))}</bdi>"


def tester_name(
    reader: ReaderContext, duel: Comparison, campaign: Campaign | None, names: Mapping[str, str]
) -> str:
    """As text of a page, with a remark where the host's own trial is in no rate."""
    own = campaign is not None and is_own_trial(duel, campaign)
    remark = f" <br><em>{reader.say('own-trial')}</em>" if own else ""
    return f"<bdi>{escape(names.get(duel.user_id, '–'))}</bdi>{remark}"


# --- the filter -------------------------------------------------------------------------------


def _filter_form(reader: ReaderContext, found: FoundVotes) -> str:
    wanted, campaigns = found.wanted, found.choices.campaigns
    choices = [
        (VoteChoice.LEFT, "side-left"),
        (VoteChoice.RIGHT, "side-right"),
        (VoteChoice.TIE, "votes-tied"),
        (VoteChoice.BOTH_BAD, "votes-both-bad"),
    ]
    titles = [(one.id, escape(one.plan.title)) for one in campaigns.values()]
    testers = [(who, escape(found.names.get(who, "–"))) for who in found.choices.testers]
    testers.sort(key=lambda option: option[1].casefold())
    fields = [
        select_of(reader, "campaign", titles, wanted.campaign_id),
        select_of(
            reader,
            "choice",
            [(choice.value, reader.say(key)) for choice, key in choices],
            wanted.choice or "",
        ),
        *_of_plan(reader, wanted, campaigns.get(wanted.campaign_id)),
        select_of(reader, "tester", testers, wanted.tester),
        select_of(
            reader, "commented", [("1", reader.say("only-commented"))], "1" * wanted.commented
        ),
        day_of(reader, "since", wanted.since, words="filter-voted-since"),
        day_of(reader, "until", wanted.until, words="filter-voted-until"),
    ]
    return filter_form(reader, "/results/votes", "field-vote-words", wanted.words, fields)


def _of_plan(reader: ReaderContext, wanted: VoteFilter, campaign: Campaign | None) -> Sequence[str]:
    """What only a campaign's plan gives words for: variants and tasks."""
    winner = "" if wanted.winner is None else str(wanted.winner)
    plan = campaign.plan if campaign else None
    named = enumerate(plan.variants) if plan else ()
    variants = [(str(index), escape(variant.name)) for index, variant in named]
    tasks = [(task.id, escape(task.title)) for task in plan.tasks] if plan else []
    return [
        select_of(reader, "winner", variants, winner) if variants or winner else "",
        select_of(reader, "task", tasks, wanted.task_id) if tasks or wanted.task_id else "",
    ]


# --- the list ---------------------------------------------------------------------------------


def _ways(reader: ReaderContext, wanted: VoteFilter) -> str:
    """To the campaign, and to where data are taken along."""
    days = {"since": wanted.since, "until": wanted.until}
    values = {"campaign": wanted.campaign_id, **{key: day or "" for key, day in days.items()}}
    chosen = urlencode({key: value for key, value in values.items() if value})
    ways = [(f"/results{chosen and f'?{chosen}'}", "take-data-along")]
    if wanted.campaign_id:
        ways.insert(0, (f"/campaigns/{quote(wanted.campaign_id, safe='')}", "to-campaign"))
    said = "".join(
        f'<a class="button quiet" href="{reader.link(path)}">{reader.say(key)}</a>'
        for path, key in ways
    )
    return f'<p class="row ways">{said}</p>'


def _counts(reader: ReaderContext, found: FoundVotes) -> str:
    """By the variants' names where all votes are of one campaign, else by side."""
    counts, campaign = found.counts, found.choices.campaigns.get(found.wanted.campaign_id)
    names = [variant.name for variant in campaign.plan.variants] if campaign else []
    names = names or [reader.template("side-left"), reader.template("side-right")]
    won = (counts.first, counts.second) if campaign else (counts.left, counts.right)
    shown = [(reader.say("count-votes"), counts.votes)]
    shown += [(reader.say("votes-won", name=name), n) for name, n in zip(names, won, strict=True)]
    shown += [
        (reader.say("votes-tied"), counts.ties),
        (reader.say("votes-both-bad"), counts.both_bad),
        (reader.say("count-commented"), counts.commented),
    ]
    said = "".join(f"<div><dt>{words}</dt><dd>{count:,}</dd></div>" for words, count in shown)
    return f'<dl class="figures">{said}</dl>'


def _list(reader: ReaderContext, found: FoundVotes) -> str:
    columns = ["column-question", "column-vote", "column-comment", "column-campaign"]
    columns += ["column-task", "column-tester", "column-rated"]
    return table(reader, columns, (_row(reader, found, duel) for duel in found.page.items))


def _row(reader: ReaderContext, found: FoundVotes, duel: Comparison) -> Sequence[str]:
    campaign = found.choices.campaigns.get(duel.campaign_id)
    link = reader.link(votes_path(found.wanted, duel_id=duel.id))
    title = campaign.plan.title if campaign else "–"
    return (
        f'<a href="{link}" dir="auto">{_excerpt(duel.question)}</a>',
        vote_words(reader, duel, campaign),
        f'<span dir="auto">{_excerpt(duel.comment)}</span>' if duel.comment else "",
        f"<bdi>{escape(title)}</bdi>",
        task_title(campaign, duel.task_id),
        tester_name(reader, duel, campaign, found.names),
        when(duel.voted_at or duel.asked_at),
    )


def _excerpt(text: str) -> str:
    """The beginning of it, in one line and escaped."""
    line = " ".join(text[: 4 * EXCERPT].split())
    return escape(line[:EXCERPT] + ("…" if len(line) > EXCERPT else "")) or "–"
