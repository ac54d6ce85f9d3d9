"""The panel beside the conversation: details of an answer, or the text of a sent file.

The script opens the panel when it has the requested key.
"""

from collections.abc import Iterable

from markupsafe import Markup

from chat.conversations.models import Attachment, Message
from chat.models import Status, Usage
from i18n import Language
from ui.html import html
from ui.i18n import fallback_answer, text

Row = tuple[str, str]
"""A name and its value."""


def answer_details(
    message: Message, language: Language, *, preset: str = "", prompt: Markup | None = None
) -> Markup:
    """All numbers of an answer.

    `preset` is its name; `prompt` is the result of `exact_prompt`; without it a button asks for it.
    """
    return html(
        "details.answer",
        message=message,
        rows=[*_numbers(message, language), *_sources(message, language, preset)],
        time=message.created_at.isoformat(timespec="seconds"),
        prompt=prompt,
        language=language,
    )


def exact_prompt(prompt: str, language: Language) -> Markup:
    """The exact prompt, to be read and copied."""
    return html("details.exact_prompt", prompt=prompt, language=language)


def no_prompt(why: str) -> Markup:
    """The reason why there is no prompt."""
    return html("details.no_prompt", why=why)


def sent_file(message: Message, place: int, item: Attachment, language: Language) -> Markup:
    """The text of a file that was sent with a question."""
    key = f"file {message.id} {place}"
    return html("details.sent_file", key=key, file=item, language=language)


def _numbers(message: Message, language: Language) -> Iterable[Row]:
    """Times and token counts."""
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
    """Model, settings and finish reason."""
    yield text(language, "detail-ended"), _why_it_ended(message, language)
    made = message.provenance
    if made and made.model:  # a campaign may keep it from its testers
        if made.sampling.seed is not None:
            yield text(language, "seed"), str(made.sampling.seed)
        yield text(language, "detail-model"), made.model
        yield text(language, "detail-revision"), made.revision or "–"
        yield text(language, "detail-quantization"), made.quantization
        if made.preset:
            name = preset or made.preset.id
            yield text(language, "detail-preset"), f"{name} v{made.preset.version}"


def _why_it_ended(message: Message, language: Language) -> str:
    if message.status is Status.ERROR:
        return fallback_answer(language, message.error_code)
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
