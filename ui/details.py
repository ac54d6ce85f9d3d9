"""What opens beside the conversation: how an answer came about, and the text of a sent file.

Pure HTML, every value escaped. The script opens the panel whose key was asked for.
"""

from collections.abc import Iterable
from html import escape

from chat.conversations.models import Attachment, Message
from chat.models import Status, Usage
from i18n import Language
from ui.i18n import fallback_answer, text
from ui.icons import icon

Row = tuple[str, str]
"""A word and its value, both as HTML."""


def answer_details(
    message: Message, language: Language, *, preset: str = "", prompt: str = ""
) -> str:
    """All numbers of an answer.

    `preset` is its name; `prompt` is what `exact_prompt` made, or nothing: then a button asks for
    it.
    """
    rows = [*_numbers(message, language), *_sources(message, language, preset)]
    ask = (
        f'<button class="ask" data-do="prompt" data-message="{escape(message.id)}">'
        f"{text(language, 'show-prompt')}</button>"
    )
    return _panel(
        f"answer {message.id}", text(language, "details"), _list(rows) + (prompt or ask), language
    )


def exact_prompt(prompt: str, language: Language) -> str:
    """The prompt letter by letter, to be read and copied."""
    return (
        f'<section class="prompt"><header><h3>{text(language, "exact-prompt")}</h3>'
        f"{_copy(prompt, language)}</header>{_letters(prompt)}</section>"
    )


def no_prompt(why: str) -> str:
    """Why the prompt cannot be shown."""
    return f'<p class="prompt" role="alert">{escape(why)}</p>'


def sent_file(message: Message, place: int, item: Attachment, language: Language) -> str:
    """The text of a file that went with a question."""
    body = f'<section class="prompt"><header>{_copy(item.text, language)}</header>'
    return _panel(
        f"file {message.id} {place}",
        escape(item.name),
        f"{body}{_letters(item.text)}</section>",
        language,
    )


def _panel(key: str, title: str, body: str, language: Language) -> str:
    close = text(language, "close")
    return (
        f'<dialog data-key="{escape(key)}" aria-labelledby="panel-title">'
        f'<header><h2 id="panel-title">{title}</h2><form method="dialog">'
        f'<button aria-label="{close}" title="{close}">{icon("cross")}</button></form></header>'
        f"{body}</dialog>"
    )


def _numbers(message: Message, language: Language) -> Iterable[Row]:
    """Where the time went, and how many tokens came and went."""
    timing, usage = message.timing, message.usage
    if timing:
        yield text(language, "detail-queue"), _seconds(timing.queue_s)
        if timing.ttft_s:
            yield text(language, "detail-first-token"), _seconds(timing.ttft_s)
    if usage and timing:
        read = usage.prompt_tokens - timing.reused_prompt_tokens
        if timing.prefill_s and read > 0:
            yield text(language, "detail-prefill"), _rate(read / timing.prefill_s, language)
        if timing.decode_tokens_per_s:
            yield text(language, "detail-decode"), _rate(timing.decode_tokens_per_s, language)
    if usage:
        reused = timing.reused_prompt_tokens if timing else 0
        yield text(language, "detail-in"), _tokens_in(usage, reused, language)
        yield text(language, "detail-out"), f"{usage.completion_tokens:,}"


def _sources(message: Message, language: Language, preset: str) -> Iterable[Row]:
    """What wrote it, with which settings, and why it ended."""
    yield text(language, "detail-ended"), _why_it_ended(message, language)
    made = message.provenance
    if made:
        if made.sampling.seed is not None:
            yield text(language, "seed"), str(made.sampling.seed)
        yield text(language, "detail-model"), escape(made.model)
        yield text(language, "detail-revision"), escape(made.revision) or "–"
        yield text(language, "detail-quantization"), escape(made.quantization)
        if made.preset:
            name = escape(preset or made.preset.id)
            yield text(language, "detail-preset"), f"{name} v{made.preset.version}"
    moment = message.created_at.isoformat(timespec="seconds")
    yield text(language, "detail-time"), f'<time datetime="{moment}">{moment}</time>'


def _why_it_ended(message: Message, language: Language) -> str:
    if message.status is Status.ERROR:
        return escape(fallback_answer(language, message.error_code))
    if message.status is Status.DONE and message.finish:
        return text(language, f"ended-{message.finish}")
    return text(language, f"ended-{message.status}")


def _tokens_in(usage: Usage, reused: int, language: Language) -> str:
    total = f"{usage.prompt_tokens:,}"
    if not reused:
        return total
    return text(language, "detail-reused", prompt=total, reused=f"{reused:,}")


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s"


def _rate(rate: float, language: Language) -> str:
    return text(language, "rate", rate=f"{rate:,.1f}")


def _list(rows: Iterable[Row]) -> str:
    return (
        f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in rows)}</dl>"
    )


def _copy(words: str, language: Language) -> str:
    return (
        f'<button data-do="copy" data-text="{escape(words)}">'
        f"<span>{text(language, 'copy')}</span></button>"
    )


def _letters(words: str) -> str:
    return f'<pre dir="auto" tabindex="0">\n{escape(words)}</pre>'  # HTML drops the first newline
