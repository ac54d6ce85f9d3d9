"""The tasks of a campaign beside the chat. Pure HTML, all escaped.

A button says in `data-do` what the script makes of a click on it.
"""

from html import escape

from chat.accounts.models import AccountRole, User
from chat.campaigns.models import Task
from chat.campaigns.participation import Visit, VisitStage
from i18n import Language
from ui.i18n import text
from ui.icons import icon

AWAY = (VisitStage.NOT_BEGUN, VisitStage.CONSENT)
"""Where nothing can be asked yet: the tester's own page says what comes first."""


def panel(visit: Visit, user: User, language: Language) -> str:
    """The tasks with what was ticked off, and the way to the survey; or where to go first."""
    at = f"campaign/{escape(visit.campaign.id)}"
    if visit.participant is None or visit.stage in AWAY:
        return f'<i data-go="{at}"></i>'
    if visit.compares and visit.stage is VisitStage.WORK:
        return f'<i data-go="{at}/compare"></i>'
    plan, done = visit.campaign.plan, visit.participant.done
    cards = "".join(_card(task, task.id in done, language) for task in plan.tasks)
    count = text(language, "tasks-count", done=len(done), count=len(plan.tasks))
    return (
        f'<aside class="tasks" aria-label="{text(language, "tasks")}">'
        f'<button class="title" data-do="tasks" aria-controls="tasks-body">'
        f'<b dir="auto">{escape(plan.title)}</b>{f"<em>{count}</em>" if cards else ""}'
        f"{icon('fold', 16)}</button>"
        f'<div class="body" id="tasks-body">{_over(visit, language)}<ol>{cards}</ol>'
        f'<a class="on" href="{at}/survey">{text(language, _end(visit))}</a>'
        f'<p class="about"><a href="{at}">{text(language, "about-test")}</a>'
        f"{_leave(user, language)}</p></div></aside>"
    )


def _card(task: Task, done: bool, language: Language) -> str:
    title, key = escape(task.title), escape(task.id)
    said = f'<p dir="auto">{escape(task.instructions)}</p>' if task.instructions else ""
    put = (
        f'<button class="put" data-do="put-question" data-text="{escape(task.question)}">'
        f"{text(language, 'put-question')}</button>"
        if task.question
        else ""
    )
    return (
        f'<li{" class=done" if done else ""}><button role="checkbox" data-do="tick-task" '
        f'aria-checked="{"true" if done else "false"}" data-task="{key}" '
        f'aria-label="{title}">{icon("check", 14)}</button>'
        f'<div><b dir="auto">{title}</b>{said}{put}</div></li>'
    )


def _over(visit: Visit, language: Language) -> str:
    if visit.stage is VisitStage.WORK:
        return ""
    key = "test-finished" if visit.stage is VisitStage.FINISHED else "test-over"
    return f'<p class="over" role="status">{text(language, key)}</p>'


def _end(visit: Visit) -> str:
    return "to-survey" if visit.campaign.plan.survey else "to-end"


def _leave(user: User, language: Language) -> str:
    """Guests are here for the campaign alone."""
    if user.rank is AccountRole.GUEST:
        return ""
    return f' · <button data-do="leave-tasks">{text(language, "leave-tasks")}</button>'
