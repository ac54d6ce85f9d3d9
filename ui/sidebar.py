"""The left side: list, search and its results, what was just done. Pure HTML, all escaped.

Which entry is the open one is marked by the script, so that the list changes only when its
conversations do.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from html import escape
from itertools import groupby

from chat.accounts.models import LOCAL, User
from chat.conversations.models import Conversation, Excerpt, SearchHit
from i18n import Language
from ui.i18n import text
from ui.icons import icon, icon_button


def conversation_list(
    conversations: Sequence[Conversation],
    *,
    live: Collection[str],
    now: datetime,
    language: Language,
    more: bool = False,
) -> str:
    """Pinned ones, then by age, as they come; with a dot where an answer is being written.

    `more` adds the button for older ones.
    """
    if not conversations:
        return _nothing(text(language, "no-conversations"))
    groups = groupby(conversations, key=lambda item: _group(item, now))
    body = "".join(
        f"<h2>{text(language, key)}</h2><ul>{_entries(items, live, language)}</ul>"
        for key, items in groups
    )
    if more:
        body += f'<button class="more" data-do="more">{text(language, "show-more")}</button>'
    return _navigation(body, language)


def results(hits: Sequence[SearchHit], language: Language, *, more: bool = False) -> str:
    """What a search found, with the words marked. `more`: there would be others."""
    if not hits:
        return _nothing(text(language, "nothing-found"))
    count = text(language, "found", count=f"{len(hits)}{'+' if more else ''}")
    entries = "".join(map(_result, hits))
    body = f'<p class="count" role="status">{count}</p><ul class="results">{entries}</ul>'
    return _navigation(body, language)


def search_field(language: Language) -> str:
    label = text(language, "search")
    return (
        f'<label class="search" title="Ctrl+K">{icon("search", 16)}'
        f'<input type="search" aria-label="{label}" placeholder="{label}" maxlength="200" '
        'autocomplete="off" spellcheck="false"></label>'
    )


def temporary_button(language: Language) -> str:
    return icon_button("temporary", "temporary", text(language, "temporary-info"))


def person(user: User, language: Language) -> str:
    """Who is here, and the way to what concerns all conversations."""
    name = text(language, "local-user") if user == LOCAL else user.name
    menu = icon_button("account", "dots", text(language, "account"))
    return (
        f'<div class="person"><b aria-hidden="true">{escape(name[0])}</b>'
        f"<span>{_isolated(name)}</span>{menu}</div>"
    )


def deleted(conversation_id: str, title: str, language: Language, *, was_open: bool) -> str:
    """Said for ten seconds, with the way back; an open one is then opened again."""
    opens = " data-opens" if was_open else ""
    said = text(language, "deleted", title=_isolated(title))
    undo = text(language, "undo")
    return (
        f'<p class="deleted" role="status"><span>{said}</span>'
        f'<button data-do="restore" data-id="{escape(conversation_id)}"{opens}>{undo}</button></p>'
    )


def renamed_meanwhile(conversation_id: str, *, title: str, theirs: str, language: Language) -> str:
    """Two names at once: both can be read, and one's own can be taken all the same."""
    said = text(language, "renamed-meanwhile", theirs=_isolated(theirs), title=_isolated(title))
    return (
        f'<p class="refused" role="alert"><span>{said}</span>'
        f'<button data-do="rename-again" data-id="{escape(conversation_id)}" '
        f'data-seen="{escape(theirs)}" data-title="{escape(title)}">'
        f"{text(language, 'use-mine')}</button></p>"
    )


def imported(count: int, language: Language) -> str:
    """How many conversations a file has brought."""
    said = text(language, "import-done", count=count)
    return f'<p class="done" role="status">{said}</p>'


def marked(excerpt: Excerpt) -> str:
    """The text, escaped piece by piece, with <mark> around what was looked for."""
    pieces, end = [], 0
    for start, stop in excerpt.marks:
        pieces.append(escape(excerpt.text[end:start]))
        pieces.append(f"<mark>{escape(excerpt.text[start:stop])}</mark>")
        end = stop
    return "".join(pieces) + escape(excerpt.text[end:])


def _navigation(body: str, language: Language) -> str:
    return f'<nav aria-label="{text(language, "conversations")}">{body}</nav>'


def _nothing(words: str) -> str:
    return f'<p class="nothing" role="status">{words}</p>'


def _group(conversation: Conversation, now: datetime) -> str:
    if conversation.pinned:
        return "pinned"
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if conversation.updated_at >= midnight:
        return "today"
    return "last-7-days" if conversation.updated_at >= midnight - timedelta(days=7) else "older"


def _entries(
    conversations: Iterable[Conversation], live: Collection[str], language: Language
) -> str:
    return "".join(_entry(item, item.id in live, language) for item in conversations)


def _entry(conversation: Conversation, is_live: bool, language: Language) -> str:
    dot = f'<i class="live" role="img" aria-label="{text(language, "being-answered")}"></i>'
    title, pinned = escape(conversation.title), " data-pinned" if conversation.pinned else ""
    actions = text(language, "actions", title=title)
    return (
        f'<li data-id="{escape(conversation.id)}"{pinned}>'
        f'<a href="#{escape(conversation.id)}" data-do="open" title="{title}">'
        f'<span dir="auto">{title}</span>{dot if is_live else ""}</a>'
        f'<button data-do="menu" aria-haspopup="menu" aria-label="{actions}"></button></li>'
    )


def _result(hit: SearchHit) -> str:
    there = f' data-message="{escape(hit.message_id)}"' if hit.message_id else ""
    words = f'<q dir="auto">{marked(hit.excerpt)}</q>' if hit.excerpt else ""
    return (
        f'<li><a href="#{escape(hit.conversation.id)}" data-do="found"{there}>'
        f'<span dir="auto">{marked(hit.title)}</span>{words}</a></li>'
    )


def _isolated(title: str) -> str:
    # A title that runs from right to left must not turn the sentence around it.
    return f"<bdi>{escape(title)}</bdi>"
