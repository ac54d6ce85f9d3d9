"""Overlays of the page: menus, the field for renaming, the list of keyboard shortcuts.

Rendered once per language; the script positions them.
"""

from collections.abc import Sequence

from markupsafe import Markup

from chat.accounts.access import is_admin, is_guest
from chat.accounts.models import LOCAL, User
from chat.conversations.validation import MAX_IMPORT_BYTES, MAX_RENAMED
from i18n import Language
from ui.html import html

FORMATS = {"md": "Markdown", "html": "HTML", "json": "JSON", "sharegpt": "ShareGPT"}
"""Export formats of a conversation, with their menu texts."""

KEYS = (
    ("send", ("Enter",)),
    ("key-newline", ("Shift", "Enter")),
    ("stop", ("Esc",)),
    ("new-chat", ("Ctrl", "Shift", "O")),
    ("temporary", ("Ctrl", "Shift", "L")),
    ("search", ("Ctrl", "K")),
    ("key-edit-last", ("↑",)),
    ("key-version", ("Alt", "←/→")),
    ("key-sidebar", ("Ctrl", "Shift", "S")),
    ("key-archive", ("E",)),
    ("key-delete", ("Del",)),
    ("key-help", ("?",)),
)
"""Keyboard shortcuts in the order of the help; on a Mac the script writes ⌘ for Ctrl."""


def skip_link(language: Language) -> Markup:
    """A skip link past the list for keyboard users; visible while it has the focus."""
    return html("overlays.skip_link", language=language)


def overlays(user: User, language: Language, *, sharing: bool = False) -> Markup:
    """All of them, closed. With `sharing` members get the item for a link to a copy."""
    return html(
        "overlays.overlays",
        formats=FORMATS,
        sharing=sharing and not is_guest(user),
        pages=pages_of(user),
        sign_out=user != LOCAL,
        is_guest=is_guest(user),
        keys=KEYS,
        title_limit=MAX_RENAMED,
        import_limit=MAX_IMPORT_BYTES,
        language=language,
    )


def pages_of(user: User) -> Sequence[str]:
    """The pages around the chat that the user may open; the last one links to all pages of hosts.

    The local user has no account and manages no other accounts.
    """
    if is_guest(user):
        return ("account",)
    own = () if user == LOCAL else ("account", "guests")
    return (*own, "shares", *(("people",) if own and is_admin(user) else ()), "campaigns")
