"""The sidebar: conversation list, search and its results, and a notice with undo.

The script marks the open entry, so that the list changes only when its conversations do.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from math import ceil

from markupsafe import Markup

from chat.accounts.models import LOCAL, User
from chat.conversations.models import Conversation, Excerpt, Folder, SearchHit
from chat.conversations.service import TRASH_TIME
from formats.import_report import LeftOut
from i18n import Language
from ui.html import html
from ui.i18n import text

MOST_NAMED = 3
"""Places of a file that could not be read and are named; the others are counted."""


def conversation_list(
    conversations: Sequence[Conversation],
    *,
    live: Collection[str],
    now: datetime,
    language: Language,
    more: bool = False,
    folder: Folder = Folder.CHATS,
) -> Markup:
    """Pinned conversations, then the others by age in the given order; those of a folder in one.

    Those in `live` have a dot: an answer is being generated there. `more` adds the button for
    older ones.
    """
    if folder is not Folder.CHATS:
        return html(
            "sidebar.folder",
            folder=folder,
            conversations=conversations,
            days_left=lambda item: _days_left(item, now),
            more=more,
            live=live,
            language=language,
        )
    if not conversations:
        return html("sidebar.nothing", words=text(language, "no-conversations"))
    groups = groupby(conversations, key=lambda item: _group(item, now))
    return html(
        "sidebar.conversation_list",
        groups=[(key, list(items)) for key, items in groups],
        live=live,
        more=more,
        language=language,
    )


def results(hits: Sequence[SearchHit], language: Language, *, more: bool = False) -> Markup:
    """Search results with the matches marked. `more`: there are others."""
    if not hits:
        return html("sidebar.nothing", words=text(language, "nothing-found"))
    count = f"{len(hits)}{'+' if more else ''}"
    return html("sidebar.results", hits=hits, count=count, language=language)


def search_field(language: Language) -> Markup:
    return html("sidebar.search_field", language=language)


def temporary_button(language: Language) -> Markup:
    return html("sidebar.temporary_button", language=language)


def account(user: User, language: Language) -> Markup:
    """The user's name, and the menu for all conversations."""
    name = text(language, "local-user") if user == LOCAL else user.name
    return html("sidebar.account", name=name, language=language)


def deleted(conversation_id: str, title: str, language: Language, *, was_open: bool) -> Markup:
    """A notice for ten seconds, with undo, which opens a conversation again that was open."""
    return html(
        "sidebar.deleted",
        conversation_id=conversation_id,
        title=title,
        opens=was_open,
        language=language,
    )


def archived(conversation_id: str, title: str, language: Language, *, archived: bool) -> Markup:
    """A notice for ten seconds that a conversation was archived, with undo, or taken back."""
    return html(
        "sidebar.archived",
        conversation_id=conversation_id,
        title=title,
        archived=archived,
        language=language,
    )


def destroyed(count: int, language: Language) -> Markup:
    """How many conversations of the trash were destroyed."""
    return html("sidebar.destroyed", count=count, language=language)


def renamed_meanwhile(
    conversation_id: str, *, title: str, theirs: str, language: Language
) -> Markup:
    """Two concurrent renames: a notice with both titles and a button to keep the user's own."""
    return html(
        "sidebar.renamed_meanwhile",
        conversation_id=conversation_id,
        title=title,
        theirs=theirs,
        language=language,
    )


def imported(
    count: int,
    language: Language,
    *,
    left_out: Mapping[str, int] | None = None,
    not_read: Sequence[str] = (),
    not_read_count: int = 0,
) -> Markup:
    """How many conversations a file has brought, what was left out, and what could not be read."""
    things = [
        text(language, f"left-out-{kind}", count=number)
        for kind in LeftOut
        if (number := (left_out or {}).get(kind))
    ]
    return html(
        "sidebar.imported",
        count=count,
        things=text(language, "comma").join(things),
        not_read=not_read[:MOST_NAMED],
        not_read_count=not_read_count,
        language=language,
    )


def marked(excerpt: Excerpt) -> Markup:
    """The text with <mark> around the matches."""
    return html("sidebar.marked", excerpt=excerpt)


def _days_left(conversation: Conversation, now: datetime) -> int:
    """Days until a conversation in the trash is destroyed, at least one."""
    left = (conversation.deleted_at or now) + TRASH_TIME - now
    return max(1, ceil(left / timedelta(days=1)))


def _group(conversation: Conversation, now: datetime) -> str:
    if conversation.pinned:
        return "pinned"
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if conversation.updated_at >= midnight:
        return "today"
    return "last-7-days" if conversation.updated_at >= midnight - timedelta(days=7) else "older"
