"""The footer of a message: actions, versions, statistics, and how an answer ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from chat.conversations.models import Message, Origin, Progress
from chat.models import Finish, Status, Usage
from i18n import Language
from ui.html import html
from ui.i18n import fallback_answer, text

MARKS = {Origin.EDITED: "edited-by-hand", Origin.IMPORTED: "imported"}
"""Text keys of the origin of a message that was not generated or typed here."""


@dataclass(frozen=True, slots=True)
class VersionSteps:
    """The number of the selected version among `count`, from 1, and the ids of its neighbours."""

    number: int
    count: int
    before: str | None
    after: str | None


def below_answer(
    message: Message, versions: Sequence[str], language: Language, thumbs: Markup | None = None
) -> Markup:
    """The footer of a finished answer: its end, actions, rating buttons and cost."""
    numbers = figures(message, language)
    return html(
        "message_footer.below_answer",
        message=message,
        ended=_ending(message, language),
        end_action=bool(message.content),
        thumbs=thumbs or "",
        versions=_steps(message, versions),
        origin=MARKS.get(message.origin),
        numbers=numbers if numbers or message.provenance else None,
        language=language,
    )


def below_question(message: Message, versions: Sequence[str], language: Language) -> Markup:
    """The actions of a question, as icons only: texts would dominate a short question."""
    return html(
        "message_footer.below_question",
        message=message,
        versions=_steps(message, versions),
        origin=MARKS.get(message.origin),
        language=language,
    )


def below_live_answer(progress: Progress, language: Language) -> Markup:
    """The progress of an answer that is being generated."""
    figures = live_figures(progress, language)
    return html("message_footer.below_live", figures=figures, is_open=progress.status.is_open)


def dropped(turns: int, language: Language) -> Markup:
    """The line below the last turn that the model no longer sees."""
    return html("message_footer.dropped", count=turns, language=language)


def elsewhere(message_id: str, language: Language) -> Markup:
    """A link to an answer being generated on a branch that is not displayed."""
    return html("message_footer.elsewhere", message_id=message_id, language=language)


def removed(count: int, language: Language) -> Markup:
    """What was just removed from the conversation, with undo; it fades by itself."""
    return html("message_footer.removed", count=count, language=language)


def figures(message: Message, language: Language) -> str:
    """The cost of an answer: tokens, time to the first token, rate, reused tokens."""
    usage, timing = message.usage, message.timing
    parts = []
    if usage and usage.completion_tokens:
        parts.append(text(language, "tokens", count=f"{usage.completion_tokens:,}"))
    if timing and timing.ttft_s:
        parts.append(text(language, "first-token", seconds=f"{timing.ttft_s:.2f}"))
    if timing and timing.decode_tokens_per_s:
        parts.append(text(language, "rate", rate=f"{timing.decode_tokens_per_s:.1f}"))
    if usage and timing and timing.reused_prompt_tokens:
        parts.append(_reused(usage, timing.reused_prompt_tokens, language))
    return " · ".join(parts)


def live_figures(progress: Progress, language: Language) -> str:
    """The progress of an answer: its place in the queue, or the rate so far."""
    if progress.status is Status.PENDING:
        parts = [text(language, "waiting")]
        if progress.position is not None:
            ahead = progress.position - 1
            parts.append(text(language, "ahead" if ahead else "ahead-0", count=ahead))
        if progress.wait_s:
            parts.append(text(language, "wait", seconds=round(progress.wait_s)))
    elif not progress.text:
        parts = [text(language, "reading")]
    else:
        parts = [text(language, "writing")]
        if progress.tokens_per_s:
            parts.append(text(language, "rate", rate=f"{progress.tokens_per_s:.1f}"))
    return " · ".join(parts)


def _reused(usage: Usage, reused: int, language: Language) -> str:
    return text(language, "reused", reused=f"{reused:,}", prompt=f"{usage.prompt_tokens:,}")


def _ending(message: Message, language: Language) -> str:
    """How an answer ended, if not by itself; else empty."""
    if message.status is Status.ERROR:
        return fallback_answer(language, message.error_code)
    key = {Status.STOPPED: "stopped", Status.INTERRUPTED: "interrupted"}.get(message.status)
    if message.finish is Finish.LENGTH:
        key = "cut-by-length"
    return text(language, key) if key else ""


def _steps(message: Message, versions: Sequence[str]) -> VersionSteps | None:
    """None for a message that has no other version."""
    if len(versions) < 2:
        return None
    index = versions.index(message.id)
    return VersionSteps(
        number=index + 1,
        count=len(versions),
        before=versions[index - 1] if index else None,
        after=versions[index + 1] if index + 1 < len(versions) else None,
    )
