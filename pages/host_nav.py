"""What the pages for hosts have in common: the way from one to the other."""

from chat.accounts.models import LOCAL, AccountRole, User
from pages.html import ReaderContext, document

PAGES = (
    ("/campaigns", "campaigns"),
    ("/results", "results"),
    ("/cases", "cases"),
    ("/dashboard", "dashboard"),
)
"""The pages for hosts, in the order of their links: path and key of the words."""


def host_page(
    reader: ReaderContext,
    user: User,
    title: str,
    body: str,
    *,
    heading: str = "",
    script: str = "",
) -> str:
    """A whole page for hosts, made as `pages.frame.document` makes it."""
    nav = host_nav(reader, user)
    return document(reader, title, body, heading=heading, nav=nav, wide=True, script=script)


def host_nav(reader: ReaderContext, user: User) -> str:
    """The local user has no account, and looks after no people."""
    pages = [("/", "chat"), *PAGES]
    if user != LOCAL:
        pages += [("/guests", "guests"), ("/keys", "keys")]
    if user != LOCAL and user.rank is AccountRole.ADMIN:
        pages.append(("/people", "people"))
    links = (f'<a href="{reader.link(path)}">{reader.say(key)}</a>' for path, key in pages)
    return f"<nav>{''.join(links)}</nav>"
