"""One vote as a host reads it: the question, both answers side by side, which was whose, and why.

Knows no Markdown: `draw` makes an answer's text into HTML that is safe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from chat.accounts.models import User
from chat.campaigns.models import Campaign, Side
from chat.conversations.models import Message
from chat.conversations.prompt import prompt_from
from chat.feedback.queries import VotedComparison
from chat.feedback.votes import VoteFilter
from chat.models import Role
from pages.campaigns.compare import Draw
from pages.feedback.origin import folded_turns, made_with, origin_list, spent
from pages.feedback.votes import (
    SCRIPT,
    task_title,
    tester_name,
    variant_name,
    vote_words,
    votes_path,
)
from pages.host_nav import host_page
from pages.html import ReaderContext, section, when


@dataclass(frozen=True, slots=True)
class ShownVote:
    """What the page is made from. `presets` and `names` are names by id, `next_id` a vote's."""

    contest: VotedComparison
    wanted: VoteFilter
    campaign: Campaign | None
    draw: Draw
    next_id: str | None = None
    presets: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


def vote_page(reader: ReaderContext, user: User, shown: ShownVote) -> str:
    """Everything of one vote."""
    contest, duel = shown.contest, shown.contest.duel
    left = _side(reader, shown, "side-left", duel.left, contest.left)
    right = _side(reader, shown, "side-right", duel.right, contest.right)
    asked = (
        f'<div class="compare"><h2 class="asked" dir="auto">{escape(duel.question)}</h2>'
        f'<div class="sides">{left}{right}</div></div>'
    )
    body = f"{_ways(reader, shown)}{asked}{_vote(reader, shown)}"
    return host_page(reader, user, "vote", body, script=SCRIPT)


def _ways(reader: ReaderContext, shown: ShownVote) -> str:
    """Back to the list, on to the next, and to the campaign."""
    ways = [(votes_path(shown.wanted), "to-list", " data-back")]
    if shown.next_id:
        path = votes_path(shown.wanted, duel_id=shown.next_id)
        ways.append((path, "next-vote", " data-next"))
    ways.append((f"/campaigns/{shown.contest.duel.campaign_id}", "to-campaign", ""))
    links = "".join(
        f'<a class="button quiet" href="{reader.link(path)}"{mark}>{reader.say(key)}</a>'
        for path, key, mark in ways
    )
    return f'<div class="row">{links}</div>'


def _side(
    reader: ReaderContext, shown: ShownVote, words: str, side: Side, path: Sequence[Message]
) -> str:
    """One answer below the name of its variant, with what it was made with."""
    duel = shown.contest.duel
    won = duel.winner == side.variant
    mark = f' <span class="good">✓ {reader.say("vote-won")}</span>' if won else ""
    head = f"{reader.say(words)} · {variant_name(shown.campaign, side.variant)}{mark}"
    body = _answer(reader, shown, path) if path else _gone(reader)
    return (
        f'<article class="side{" won" * won}" aria-label="{reader.say(words)}">'
        f"<h3>{head}</h3>{body}</article>"
    )


def _answer(reader: ReaderContext, shown: ShownVote, path: Sequence[Message]) -> str:
    answer, told = path[-1], prompt_from(path)
    asked = told[-1:] and told[-1].role is Role.USER  # it stands above both
    made, taken = made_with(answer.provenance, shown.presets), spent(answer.usage, answer.timing)
    packed = f"{reader.say('origin-quantization')}: {made['quantization']}" if made else ""
    which = f"{made['model']} · {packed}" if made else ""
    return (
        f'<div class="answer" dir="auto">{shown.draw(answer.content)}</div>'
        f'<p class="hint">{which}</p>'
        f"{folded_turns(reader, told[:-1] if asked else told)}"
        f"<details><summary>{reader.say('reading-origin')}</summary>"
        f"{origin_list(reader, {**made, **taken})}</details>"
    )


def _gone(reader: ReaderContext) -> str:
    return f'<p class="hint">{reader.say("answer-gone")}</p>'


def _vote(reader: ReaderContext, shown: ShownVote) -> str:
    """Who chose what, when and why."""
    duel, campaign = shown.contest.duel, shown.campaign
    said = {
        "column-vote": vote_words(reader, duel, campaign),
        "column-tester": tester_name(reader, duel, campaign, shown.names),
        "column-task": task_title(campaign, duel.task_id) if duel.task_id else "",
        "column-rated": when(duel.voted_at or duel.asked_at),
    }
    listed = "".join(
        f"<dt>{reader.say(key)}</dt><dd>{value}</dd>" for key, value in said.items() if value
    )
    comment = (
        f'<div class="words said" dir="auto">{escape(duel.comment)}</div>' if duel.comment else ""
    )
    return section(
        reader,
        "reading-vote",
        f'<div class="rating"><dl class="origin">{listed}</dl>{comment}</div>',
    )
