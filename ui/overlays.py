"""What opens over the page for a moment: menus, the field to rename in, the list of keys.

Drawn once for a language; the script puts them in their place. Pure HTML.
"""

from collections.abc import Iterable, Mapping

from chat.accounts.models import LOCAL, AccountRole, User
from chat.conversations.validation import MAX_IMPORT_BYTES, MAX_RENAMED
from i18n import Language
from ui.i18n import text

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
"""The pages around the chat that a rank has; by the last one hosts find all of theirs."""


def skip_link(language: Language) -> str:
    """The way past the list, for those who walk by key; seen while it has the focus."""
    return f'<a href="#message" class="skip" data-do="skip">{text(language, "skip")}</a>'


def overlays(user: User, language: Language) -> str:
    """All of them, closed."""
    rename = text(language, "rename")
    return (
        f"{_entry_menu(language)}{_account_menu(user, language)}{_message_menu(language)}"
        f'<input id="rename" popover="manual" dir="auto" aria-label="{rename}" '
        f'maxlength="{MAX_RENAMED}" autocomplete="off" spellcheck="false">'
        '<input id="import" type="file" hidden accept=".json,.jsonl,application/json" '
        f'data-largest="{MAX_IMPORT_BYTES}">'
        f"{_help(language)}"
    )


def _entry_menu(language: Language) -> str:
    return _menu(
        "entry-menu",
        text(language, "actions-of-entry"),
        _item("rename", text(language, "rename")),
        _item("pin", text(language, "pin")),
        _item("unpin", text(language, "unpin")),
        _exports(text(language, "export")),
        _item("delete", text(language, "delete"), css="bad"),
    )


def _message_menu(language: Language) -> str:
    return _menu(
        "message-menu",
        text(language, "more-actions"),
        _item("undo-turn", text(language, "undo-turn")),
        _item("delete-turn", text(language, "delete-turn"), css="bad"),
        _item("delete-branch", text(language, "delete-branch"), css="bad"),
    )


def _account_menu(user: User, language: Language) -> str:
    return _menu(
        "account-menu",
        text(language, "account"),
        _item("import", text(language, "import")),
        _exports(text(language, "export-all")),
        _item("help", text(language, "keys")),
        *_account_pages(user, language),
    )


def _account_pages(user: User, language: Language) -> Iterable[str]:
    """The pages that are for this person, and the way out; the local user has no account."""
    for page in PAGES[user.rank] if user != LOCAL else ("campaigns",):
        yield f'<a role="menuitem" href="{page}">{text(language, f"page-{page}")}</a>'
    if user != LOCAL:
        yield _item("sign-out", text(language, "sign-out"))


def _menu(menu_id: str, label: str, *items: str) -> str:
    body = "".join(items)
    return f'<div id="{menu_id}" class="menu" role="menu" aria-label="{label}" popover>{body}</div>'


def _item(action: str, words: str, *, css: str = "") -> str:
    return f'<button role="menuitem" class="{css}" data-do="{action}">{words}</button>'


def _exports(label: str) -> str:
    links = "".join(
        f'<a role="menuitem" data-format="{key}" href="#" download>{name}</a>'
        for key, name in FORMATS.items()
    )
    title = f'<span aria-hidden="true">{label}</span>'
    return f'<div role="group" aria-label="{label}">{title}{links}</div>'


def _help(language: Language) -> str:
    rows = "".join(
        f"<tr><th>{text(language, key)}</th><td>"
        + "".join(f"<kbd>{name}</kbd>" for name in names)
        + "</td></tr>"
        for key, names in KEYS
    )
    return (
        f'<dialog id="help" aria-labelledby="help-title"><h2 id="help-title">'
        f"{text(language, 'keys')}</h2><table>{rows}</table>"
        f'<form method="dialog"><button>{text(language, "close")}</button></form></dialog>'
    )
