"""The conversation as it is shown: stored messages and live progress to values of gr.Chatbot.

Pure. Answers go out as Markdown, which the browser renders and sanitises; what people wrote and
what stands under an answer goes out as HTML that is made here, every value escaped.
"""

import re
from collections.abc import Sequence
from html import escape

from chat.types import Finish, Message, Progress, Role, Status, Usage
from ui.i18n import Language, fallback_answer, text
from ui.icons import icon

Bubble = dict[str, object]
"""One message of gr.Chatbot."""

CODE = re.compile(
    r"^[ \t]*(?P<fence>`{3,}|~{3,})[\s\S]*?(?:^[ \t]*(?P=fence)|\Z)"
    r"|(?<!`)(?P<tick>`{1,2})(?!`)(?:(?!\n\n|(?P=tick))[\s\S]){1,2000}(?P=tick)(?!`)"
    r"|^(?: {4}|\t).*$",
    re.MULTILINE,
)
"""Code in Markdown: between fences (the last one may still be open), between ticks, indented."""

LONGEST_FORMULA = 600
"""Characters after which an open formula is taken for a stray delimiter."""

TAG = re.compile(r"<(?=[A-Za-z/!?])(?!https?://|mailto:)")
"""Where Markdown would see HTML; not the start of an automatic link."""


def transcript(messages: Sequence[Message], language: Language) -> list[Bubble]:
    """All messages of a path, finished ones; the newest answer can be tried again."""
    return [
        question(message.content)
        if message.role is Role.USER
        else answer(message, language, newest=index == len(messages) - 1)
        for index, message in enumerate(messages)
    ]


def question(words: str) -> Bubble:
    """What a person wrote, letter by letter: Markdown would swallow tags and stars."""
    return _bubble("user", _html(f'<div class="words">{escape(words)}</div>'))


def answer(message: Message, language: Language, *, newest: bool) -> Bubble:
    """A stored answer with what is to be said about it."""
    if message.status.is_open:
        return live_answer(Progress(message.id, message.content, message.status), language)
    under = [_dropped(message, language), _outcome(message, language, newest=newest)]
    under.append(_row(_actions(message, language, newest=newest), figures(message, language)))
    return _bubble("assistant", _markdown(message.content), _html("".join(under)))


def live_answer(progress: Progress, language: Language) -> Bubble:
    """An answer being written: the text so far, and how it goes."""
    row = f'<div class="meta live"><span class="figures">{live_figures(progress, language)}</span>'
    return _bubble("assistant", _markdown(settled(progress.text)), _html(row + "</div>"))


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


def _dropped(message: Message, language: Language) -> str:
    """The note on turns that the model did not see; empty when it saw all."""
    turns = message.provenance.dropped_turns if message.provenance else 0
    if not turns:
        return ""
    words = text(language, "dropped-1" if turns == 1 else "dropped", count=turns)
    return f'<p class="note"><span>{words}</span></p>'


def _outcome(message: Message, language: Language, *, newest: bool) -> str:
    """How an answer ended, if not by itself; a failed one offers its Retry here."""
    if message.status is Status.ERROR:
        sentence = escape(fallback_answer(language, message.error_code))
        button = _retry(message, language) if newest else ""
        return f'<p class="failed" role="alert"><span>{sentence}</span>{button}</p>'
    key = {Status.STOPPED: "stopped", Status.INTERRUPTED: "interrupted"}.get(message.status)
    if message.finish is Finish.LENGTH:
        key = "cut-by-length"
    return f'<p class="outcome">{text(language, key)}</p>' if key else ""


def _actions(message: Message, language: Language, *, newest: bool) -> str:
    buttons = [_copy(message, language)] if message.content else []
    if newest and message.status is not Status.ERROR:
        buttons.append(_retry(message, language))
    return "".join(buttons)


def _copy(message: Message, language: Language) -> str:
    # The text travels with its button: what the browser shows is no longer what the model wrote.
    return (
        f'<button data-do="copy" data-text="{escape(message.content)}">{icon("copy", 15)}'
        f"<span>{text(language, 'copy')}</span></button>"
    )


def _retry(message: Message, language: Language) -> str:
    return (
        f'<button data-do="retry" data-message="{escape(message.id)}">{icon("retry", 15)}'
        f"<span>{text(language, 'retry')}</span></button>"
    )


def _row(actions: str, numbers: str) -> str:
    if not actions and not numbers:
        return ""
    return (
        f'<div class="meta"><div class="actions">{actions}</div>'
        f'<span class="figures">{numbers}</span></div>'
    )


def _bubble(role: str, *parts: dict[str, object]) -> Bubble:
    return {"role": role, "content": list(parts)}


def without_html(markdown: str) -> str:
    """The same Markdown with every tag outside of code shown as it is written.

    An answer may speak of <div>; it has no business making one.
    """
    shown, end = [], 0
    for code in CODE.finditer(markdown):
        shown += [TAG.sub("&lt;", markdown[end : code.start()]), code.group()]
        end = code.end()
    return "".join([*shown, TAG.sub("&lt;", markdown[end:])])


def settled(markdown: str) -> str:
    """The text without a formula that is still being written: half of one would only flicker."""
    if markdown.count("```") % 2:  # in the middle of code, where nothing is a formula
        return markdown
    for left, right in (("$$", "$$"), (r"\[", r"\]"), (r"\(", r"\)")):
        start = markdown.rfind(left)
        is_open = markdown.count("$$") % 2 if left == right else right not in markdown[start:]
        if start >= 0 and is_open and len(markdown) - start < LONGEST_FORMULA:
            markdown = markdown[:start]
    return markdown


def _markdown(words: str) -> dict[str, object]:
    # As a part, not as a string: gr.Chatbot would take the indentation from a string's first lines.
    return {"type": "text", "text": without_html(words)}


def _html(markup: str) -> dict[str, object]:
    return {
        "type": "component",
        "component": "html",
        "value": markup,
        "constructor_args": {},
        "props": {},
    }
