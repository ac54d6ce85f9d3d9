"""The page that compares: a question, two answers side by side without names, a vote.

Nothing that is drawn here tells which variant wrote an answer. Knows no Markdown: `draw` makes an
answer's text into HTML that is safe.
"""

from collections.abc import Callable, Sequence
from html import escape
from uuid import uuid4

from chat.campaigns.comparisons import MAX_COMMENT, ComparisonView
from chat.campaigns.models import Task, VoteChoice
from chat.campaigns.participation import Visit, VisitStage
from chat.conversations.models import Progress
from chat.models import Status
from chat.validation import MAX_CHARACTERS
from pages.html import ReaderContext, document, form, hidden

SCRIPT = "compare.js"
ASKING = (VisitStage.WORK, VisitStage.FINISHED)
"""Where questions may be asked; what has ended meanwhile, asking says."""

VOTES = {
    VoteChoice.LEFT: ("vote-left", "voted-left"),
    VoteChoice.RIGHT: ("vote-right", "voted-right"),
    VoteChoice.TIE: ("vote-tie", "voted-tie"),
    VoteChoice.BOTH_BAD: ("vote-both-bad", "voted-both-bad"),
}
"""The words of the buttons, in the order of their keys, and of what was voted."""

ENDS = {
    Status.STOPPED: "answer-stopped",
    Status.ERROR: "answer-failed",
    Status.INTERRUPTED: "answer-interrupted",
}

Draw = Callable[[str], str]


def compare_page(
    reader: ReaderContext, visit: Visit, rounds: Sequence[ComparisonView], draw: Draw
) -> str:
    """The whole page: the tasks, what was asked so far, and where the next question is asked."""
    campaign, may_ask = visit.campaign, visit.stage in ASKING
    shown = "".join(
        round_html(reader, one, draw, may_ask=may_ask and one is rounds[-1]) for one in rounds
    )
    over = "" if may_ask else f'<p class="banner">{reader.say("compare-over")}</p>'
    body = (
        f'<div class="compare"><p class="hint">{reader.say("compare-info")}</p>{over}'
        f"<div data-tasks>{tasks_html(reader, visit)}</div><div data-rounds>{shown}</div>"
        f"{_ask(reader, visit, bool(rounds)) if may_ask else ''}{_on(reader, visit)}</div>"
    )
    return document(reader, "campaign", body, heading=campaign.plan.title, wide=True, script=SCRIPT)


def round_html(
    reader: ReaderContext, shown: ComparisonView, draw: Draw, *, may_ask: bool = True
) -> str:
    """One question with both answers as they are now, and what can be done with them."""
    live = ""
    if shown.is_open:
        live = f' data-live="{reader.link(f"/api/duel-events/{shown.duel.id}")}"'
    return (
        f'<section class="round" data-round="{shown.duel.id}"{live}>'
        f'<h2 class="asked" dir="auto">{escape(shown.duel.question)}</h2><div class="sides">'
        f"{_column(reader, 'side-left', 'left', side_html(reader, shown.left, draw))}"
        f"{_column(reader, 'side-right', 'right', side_html(reader, shown.right, draw))}</div>"
        f'<div class="foot" data-foot>{foot_html(reader, shown, may_ask=may_ask)}</div></section>'
    )


def side_html(reader: ReaderContext, progress: Progress, draw: Draw) -> str:
    """An answer as far as it is written, and how it goes; no figure that could tell its variant."""
    body = f'<div class="answer" dir="auto">{draw(progress.text)}</div>' if progress.text else ""
    said = _state(reader, progress)
    return body + (f'<p class="hint">{said}</p>' if said else "")


def foot_html(
    reader: ReaderContext,
    shown: ComparisonView,
    *,
    may_ask: bool = True,
    voted_before: bool = False,
) -> str:
    """What can be done with a round: stop it, vote, say why, or ask again.

    `voted_before`: a vote came, and another one had come first.
    """
    duel, at = shown.duel, f"/api/duels/{shown.duel.id}"
    if duel.choice:
        return _voted(reader, shown, voted_before=voted_before)
    if shown.is_open:
        return form(reader, f"{at}/stop", "", "stop", then="stopped")
    if shown.is_complete:
        buttons = "".join(
            form(reader, f"{at}/vote", hidden("choice", choice), words, then="foot", vote=choice)
            for choice, (words, _) in VOTES.items()
        )
        return (
            f'<div class="row votes" role="group" aria-label="{reader.say("which-is-better")}">'
            f'{buttons}</div><p class="hint">{reader.say("vote-keys")}</p>'
        )
    again = form(
        reader, f"{at}/again", hidden("request_id", uuid4().hex), "ask-again", then="again"
    )
    return f"<p>{reader.say('no-vote')}</p>{again if may_ask else ''}"


def tasks_html(reader: ReaderContext, visit: Visit) -> str:
    """The tasks with what was ticked off; nothing where there are none."""
    done = visit.participant.done if visit.participant else ()
    tasks = visit.campaign.plan.tasks
    if not tasks:
        return ""
    count = reader.say("tasks-done", done=len(done), count=len(tasks))
    cards = "".join(_task(reader, visit.campaign.id, task, task.id in done) for task in tasks)
    return f'<details class="tasks" open><summary>{count}</summary><ol>{cards}</ol></details>'


# --- pieces -----------------------------------------------------------------------------------


def _column(reader: ReaderContext, words: str, side: str, body: str) -> str:
    said = reader.say(words)
    return (
        f'<article class="side" aria-label="{said}"><h3>{said}</h3>'
        f'<div data-side="{side}">{body}</div></article>'
    )


def _state(reader: ReaderContext, progress: Progress) -> str:
    if progress.status is Status.PENDING:
        if progress.position is None:
            return reader.say("answer-waiting")
        return reader.say("answer-in-line", position=progress.position)
    if progress.status is Status.STREAMING:
        return reader.say("answer-writing")
    return reader.say(ENDS[progress.status]) if progress.status in ENDS else ""


def _voted(reader: ReaderContext, shown: ComparisonView, *, voted_before: bool) -> str:
    duel = shown.duel
    assert duel.choice
    _, words = VOTES[duel.choice]
    before = f"{reader.say('voted-before')} " if voted_before else ""
    why = (
        f'<label><span>{reader.say("vote-comment")}</span><textarea name="comment" rows="2" '
        f'data-longest="{MAX_COMMENT}" dir="auto">\n{escape(duel.comment)}</textarea></label>'
    )
    path = f"/api/duels/{duel.id}/comment"
    kept = f'<p class="hint" role="status">{reader.say("comment-kept")}</p>' if duel.comment else ""
    return (
        f'<p role="status" tabindex="-1" data-voted>{before}<b>{reader.say(words)}</b></p>'
        f"<details{' open' if duel.comment else ''}><summary>{reader.say('vote-why')}</summary>"
        f"{form(reader, path, why, 'save', then='foot')}{kept}</details>"
    )


def _task(reader: ReaderContext, campaign_id: str, task: Task, ticked: bool) -> str:
    said = (
        f'<p class="words" dir="auto">{escape(task.instructions)}</p>' if task.instructions else ""
    )
    put = (
        f'<button type="button" class="quiet" data-put="{escape(task.question)}" '
        f'data-task="{escape(task.id)}">{reader.say("task-put")}</button>'
        if task.question
        else ""
    )
    fields = hidden("task", task.id) + hidden("done", "" if ticked else "yes")
    path = f"/api/campaign/{campaign_id}/tick"
    tick = form(reader, path, fields, "task-untick" if ticked else "task-tick", then="tasks")
    mark = f' <span class="good">✓ {reader.say("task-done")}</span>' if ticked else ""
    return (
        f'<li><b dir="auto">{escape(task.title)}</b>{mark}{said}'
        f'<div class="row">{put}{tick}</div></li>'
    )


def _ask(reader: ReaderContext, visit: Visit, follows: bool) -> str:
    words = reader.say("compare-question")
    fields = (
        f'<label><span>{words}</span><textarea name="question" rows="2" required '
        f'data-longest="{MAX_CHARACTERS}" dir="auto" '
        f'placeholder="{reader.say("compare-placeholder")}"></textarea></label>'
        f'<label class="follow"{"" if follows else " hidden"}><input type="checkbox" name="follow" '
        f'value="yes"{" checked" if follows else ""}> {reader.say("compare-follow")}</label>'
        f"{hidden('request_id', uuid4().hex)}{hidden('task_id', '')}{hidden('after', '')}"
    )
    path = f"/api/campaign/{visit.campaign.id}/duels"
    return (
        f'<div class="ask">{form(reader, path, fields, "compare-ask", then="asked", ask="")}</div>'
    )


def _on(reader: ReaderContext, visit: Visit) -> str:
    at = reader.link(f"/campaign/{visit.campaign.id}")
    end = "to-survey" if visit.campaign.plan.survey else "to-end"
    return (
        f'<p><a href="{at}/survey">{reader.say(end)}</a> · '
        f'<a href="{at}">{reader.say("about-campaign")}</a></p>'
    )
