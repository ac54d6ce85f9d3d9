"""What stands under a message: its actions, versions and numbers, and how it ended.

Pure HTML, every value escaped. A button says in `data-do` what the script makes of a click on it.
"""

from collections.abc import Sequence
from html import escape

from chat.conversations.models import Message, Origin, Progress
from chat.models import Finish, Status, Usage
from i18n import Language
from ui.i18n import fallback_answer, text
from ui.icons import icon

MARKS = {Origin.EDITED: "edited-by-hand", Origin.IMPORTED: "imported"}
"""Where a text comes from, if it was not written here."""


def under_answer(
    message: Message, versions: Sequence[str], language: Language, thumbs: str = ""
) -> str:
    """How a finished answer ended, what can be done with it and said of it, and what it cost."""
    actions = [_copy(message, language)] if message.content else []
    if message.status is not Status.ERROR:
        actions.append(_button("retry", message, text(language, "retry")))
    if message.content:
        actions.append(_button("edit", message, text(language, "edit")))
    return _outcome(message, language) + (
        f'<div class="meta"><div class="actions">{"".join(actions)}{thumbs}'
        f"{_menu(message, language)}</div>{_versions(message, versions, language)}"
        f"{_mark(message, language)}{_numbers(message, language)}</div>"
    )


def under_question(message: Message, versions: Sequence[str], language: Language) -> str:
    """What can be done with a question. Quiet: words would be louder than a short question."""
    return (
        f'<div class="meta">{_mark(message, language)}'
        f'<div class="actions">{_edit(message, language)}'
        f"{_menu(message, language)}</div>{_versions(message, versions, language)}</div>"
    )


def under_live(progress: Progress, language: Language) -> str:
    """How an answer goes that is being written."""
    said = live_figures(progress, language)
    return f'<div class="meta live"><span class="figures">{said}</span></div>'


def left_behind(turns: int, language: Language) -> str:
    """The line below the last turn that the model no longer sees."""
    words = text(language, "dropped", count=turns)
    return f'<p class="note"><span>{words}</span></p>'


def elsewhere(message_id: str, language: Language) -> str:
    """The line that leads to an answer being written on a branch that is not shown."""
    return (
        f'<p class="note"><span>{text(language, "written-elsewhere")}'
        f'<button data-do="show" data-message="{escape(message_id)}">'
        f"{text(language, 'show-it')}</button></span></p>"
    )


def removed(count: int, language: Language) -> str:
    """What was just taken out of the conversation, with the way back; it fades by itself."""
    words = text(language, "removed", count=count)
    return (
        f'<p class="removed" role="status"><span>{words}</span>'
        f'<button data-do="undo">{text(language, "undo")}</button></p>'
    )


def figures(message: Message, language: Language) -> str:
    """What an answer cost: tokens, time to the first, rate, reused tokens."""
    usage, timing = message.usage, message.timing
    said = []
    if usage and usage.completion_tokens:
        said.append(text(language, "tokens", count=f"{usage.completion_tokens:,}"))
    if timing and timing.ttft_s:
        said.append(text(language, "first-token", seconds=f"{timing.ttft_s:.2f}"))
    if timing and timing.decode_tokens_per_s:
        said.append(text(language, "rate", rate=f"{timing.decode_tokens_per_s:.1f}"))
    if usage and timing and timing.reused_prompt_tokens:
        said.append(_reused(usage, timing.reused_prompt_tokens, language))
    return " · ".join(said)


def live_figures(progress: Progress, language: Language) -> str:
    """How an answer being written goes: its place in the queue, or the rate so far."""
    if progress.status is Status.PENDING:
        said = [text(language, "waiting")]
        if progress.position is not None:
            ahead = progress.position - 1
            said.append(text(language, "ahead" if ahead else "ahead-0", count=ahead))
        if progress.wait_s:
            said.append(text(language, "wait", seconds=round(progress.wait_s)))
    elif not progress.text:
        said = [text(language, "reading")]
    else:
        said = [text(language, "writing")]
        if progress.tokens_per_s:
            said.append(text(language, "rate", rate=f"{progress.tokens_per_s:.1f}"))
    return " · ".join(said)


def _reused(usage: Usage, reused: int, language: Language) -> str:
    return text(language, "reused", reused=f"{reused:,}", prompt=f"{usage.prompt_tokens:,}")


def _outcome(message: Message, language: Language) -> str:
    """How an answer ended, if not by itself, with the one thing to be done about it."""
    if message.status is Status.ERROR:
        sentence = escape(fallback_answer(language, message.error_code))
        button = _button("retry", message, text(language, "retry"))
        return f'<p class="failed" role="alert"><span>{sentence}</span>{button}</p>'
    key = {Status.STOPPED: "stopped", Status.INTERRUPTED: "interrupted"}.get(message.status)
    if message.finish is Finish.LENGTH:
        key = "cut-by-length"
    if key is None:
        return ""
    go_on = _button("go-on", message, text(language, "continue")) if message.content else ""
    return f'<p class="outcome"><span>{text(language, key)}</span>{go_on}</p>'


def _versions(message: Message, versions: Sequence[str], language: Language) -> str:
    """‹ 2/3 ›, for a message that is not the only one of its kind."""
    if len(versions) < 2:
        return ""
    place = versions.index(message.id)
    before = versions[place - 1] if place else None
    after = versions[place + 1] if place + 1 < len(versions) else None
    number = f"{place + 1}/{len(versions)}"
    return (
        f'<span class="versions" role="group" aria-label="{text(language, "versions")}">'
        f"{_step(before, '‹', text(language, 'previous-version'))}<span>{number}</span>"
        f"{_step(after, '›', text(language, 'next-version'))}</span>"
    )


def _step(message_id: str | None, sign: str, name: str) -> str:
    where = "disabled" if message_id is None else f'data-message="{escape(message_id)}"'
    return (
        f'<button data-do="show" {where} aria-label="{name}" title="{name}">'
        f'<span aria-hidden="true">{sign}</span></button>'
    )


def _mark(message: Message, language: Language) -> str:
    key = MARKS.get(message.origin)
    return f'<span class="origin">{text(language, key)}</span>' if key else ""


def _numbers(message: Message, language: Language) -> str:
    """What an answer cost, in a button that opens the rest of it."""
    said = figures(message, language)
    if not said and message.provenance is None:
        return ""
    name = text(language, "details")
    return (
        f'<button class="figures" data-do="details" data-message="{escape(message.id)}" '
        f'title="{name}">{said or name}</button>'
    )


def _menu(message: Message, language: Language) -> str:
    name = text(language, "more-actions")
    return (
        f'<button data-do="message-menu" data-message="{escape(message.id)}" '
        f'aria-haspopup="menu" aria-label="{name}" title="{name}">{icon("dots", 16)}</button>'
    )


def _copy(message: Message, language: Language) -> str:
    # The text travels with its button: what the browser shows is no longer what the model wrote.
    return (
        f'<button data-do="copy" data-text="{escape(message.content)}">'
        f"<span>{text(language, 'copy')}</span></button>"
    )


def _button(action: str, message: Message, words: str) -> str:
    return (
        f'<button data-do="{action}" data-message="{escape(message.id)}">'
        f"<span>{words}</span></button>"
    )


def _edit(message: Message, language: Language) -> str:
    name = text(language, "edit-question")
    return (
        f'<button data-do="edit" data-message="{escape(message.id)}" '
        f'aria-label="{name}" title="{name}">{icon("edit", 16)}</button>'
    )
