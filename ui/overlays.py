"""Overlays of the page: menus, the field for renaming, the list of keyboard shortcuts.

Rendered once per language; the script positions them.
"""

from collections.abc import Mapping

from markupsafe import Markup

from chat.accounts.models import LOCAL, AccountRole, User
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
    ("key-help", ("?",)),
)
"""Keyboard shortcuts in the order of the help; on a Mac the script writes ⌘ for Ctrl."""

PAGES: Mapping[AccountRole, tuple[str, ...]] = {
    AccountRole.GUEST: ("account",),
    AccountRole.MEMBER: ("account", "guests", "campaigns"),
    AccountRole.ADMIN: ("account", "guests", "people", "campaigns"),
}
"""The pages around the chat that a role has; the last one links to all pages of hosts."""


def skip_link(language: Language) -> Markup:
    """A skip link past the list for keyboard users; visible while it has the focus."""
    return html("overlays.skip_link", language=language)


def overlays(user: User, language: Language) -> Markup:
    """All of them, closed."""
    is_local = user == LOCAL  # the local user has no account
    return html(
        "overlays.overlays",
        formats=FORMATS,
        pages=("campaigns",) if is_local else PAGES[user.role],
        sign_out=not is_local,
        keys=KEYS,
        title_limit=MAX_RENAMED,
        import_limit=MAX_IMPORT_BYTES,
        language=language,
    )
