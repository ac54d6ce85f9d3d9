"""What opens over the page for a moment: menus, the field to rename in, the list of keys.

Drawn once for a language; the script puts them in their place.
"""

from collections.abc import Mapping

from markupsafe import Markup

from chat.accounts.models import LOCAL, AccountRole, User
from chat.conversations.validation import MAX_IMPORT_BYTES, MAX_RENAMED
from i18n import Language
from ui.html import html

FORMATS = {"md": "Markdown", "html": "HTML", "json": "JSON", "sharegpt": "ShareGPT"}
"""What a conversation can be exported as, and how the menus call it."""

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
"""What can be done by key, in the order of the help; on a Mac the script says ⌘ for Ctrl."""

PAGES: Mapping[AccountRole, tuple[str, ...]] = {
    AccountRole.GUEST: ("account",),
    AccountRole.MEMBER: ("account", "guests", "campaigns"),
    AccountRole.ADMIN: ("account", "guests", "people", "campaigns"),
}
"""The pages around the chat that a role has; the last one links to all pages of hosts."""


def skip_link(language: Language) -> Markup:
    """The way past the list for those who use the keyboard; visible while it has the focus."""
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
