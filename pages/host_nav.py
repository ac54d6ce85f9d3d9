"""The frame of the pages for hosts."""

from markupsafe import Markup

from chat.accounts.models import User
from pages.html import PageLocale, account_links, render


def render_host_page(template: str, locale: PageLocale, user: User, **values: object) -> Markup:
    """A whole page for hosts, rendered as `pages.html.render` does."""
    return render(template, locale, nav=account_links(user), wide=True, **values)
