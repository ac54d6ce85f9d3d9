"""The navigation of the pages for hosts."""

from markupsafe import Markup

from chat.accounts.access import is_admin
from chat.accounts.models import LOCAL, User
from pages.html import Links, PageLocale, render

PAGES = (
    ("/campaigns", "campaigns"),
    ("/results", "results"),
    ("/cases", "cases"),
    ("/dashboard", "dashboard"),
)
"""The pages for hosts, in the order of their links: path and key of the text."""


def render_host_page(template: str, locale: PageLocale, user: User, **values: object) -> Markup:
    """A whole page for hosts, rendered as `pages.html.render` does."""
    return render(template, locale, nav=host_links(user), wide=True, **values)


def host_links(user: User) -> Links:
    """The navigation of a host. The local user has no account and manages no other accounts."""
    links = [("/", "chat"), *PAGES]
    if user != LOCAL:
        links += [("/guests", "guests"), ("/keys", "keys")]
    if user != LOCAL and is_admin(user):
        links.append(("/people", "people"))
    return tuple(links)
