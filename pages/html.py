"""HTML of the pages: templates rendered in the language of the request."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Formatter

from jinja2 import Environment
from markupsafe import Markup, escape

from chat.accounts.access import is_admin, is_guest
from chat.accounts.models import LOCAL, User
from i18n import Language, filled
from pages.i18n import words
from templating import environment

TEMPLATES = Path(__file__).parent / "templates"

SCRIPT_TEXTS = ("error-", "refused-", "done", "rows-deleted", "sign-in")
"""Prefixes of the keys of the texts that the scripts show."""

LANGUAGES = {Language.ZH: "中文", Language.EN: "English"}

Links = tuple[tuple[str, str], ...]
"""Paths with the keys of their texts."""


@dataclass(frozen=True, slots=True)
class PageLocale:
    """The language of one page, its path, and the path below which a proxy serves the app."""

    language: Language
    root_path: str = ""
    path: str = ""

    def is_at(self, path: str) -> bool:
        """Whether this page is the one at `path`, or below it."""
        return self.path == path or (path != "/" and self.path.startswith(f"{path}/"))

    def text(self, key: str, **values: object) -> Markup:
        """The text for `key` with the values filled in; `Markup` values are not escaped."""
        if not values:
            return _texts_without_values(self.language)[key]
        safe = {name: escape(value) for name, value in values.items()}
        return Markup(filled(_escaped(self.language)[key], **safe))  # noqa: S704 - both are escaped

    def pattern(self, key: str) -> str:
        """The text for `key` with its placeholders, which a script fills."""
        return words(self.language)[key]

    def link(self, path: str) -> str:
        """The address of a path of the app."""
        return self.root_path + path


def render(template: str, locale: PageLocale, **values: object) -> Markup:
    """The HTML of a template. Raises UndefinedError for a value that is missing.

    Templates have `t` for texts, `pattern` for texts that scripts fill, `link` for addresses.
    """
    html = _environment().get_template(template).render(values, **_functions(locale))
    return Markup(html)  # noqa: S704 - the environment escapes every value


def render_macro(template: str, macro: str, locale: PageLocale, value: object) -> Markup:
    """The HTML of one macro of a template: a part of a page that a script replaces."""
    module = _environment().get_template(template).make_module(_functions(locale))
    return Markup(getattr(module, macro)(value))  # noqa: S704 - as above


def render_fragment(template: str, **values: object) -> Markup:
    """The HTML of a template that needs no texts and no addresses."""
    return Markup(_environment().get_template(template).render(values))  # noqa: S704 - as above


HOST_PAGES = (
    ("/campaigns", "campaigns"),
    ("/results", "results"),
    ("/cases", "cases"),
    ("/dashboard", "dashboard"),
)
"""The pages for hosts, in the order of their links: path and key of the text."""


def account_links(user: User) -> Links:
    """The navigation of every page: what the user may open, in one order.

    The local user has no account and manages no other accounts.
    """
    has_account = user != LOCAL
    links = [("/", "chat")]
    if not is_guest(user):
        links += [("/shares", "shares"), *HOST_PAGES]
    if has_account and not is_guest(user):
        links += [("/guests", "guests"), ("/keys", "keys")]
    if has_account and is_admin(user):
        links.append(("/people", "people"))
    if has_account:
        links.append(("/account", "account"))
    return tuple(links)


def _functions(locale: PageLocale) -> dict[str, object]:
    return {
        "locale": locale,
        "t": locale.text,
        "pattern": locale.pattern,
        "link": locale.link,
        "root": locale.root_path,
    }


@cache
def _environment() -> Environment:
    templates = environment(TEMPLATES)
    templates.globals |= {"script_texts": script_texts, "languages": LANGUAGES}
    return templates


@cache
def script_texts(language: Language) -> Mapping[str, str]:
    """The texts that the scripts show."""
    texts = words(language)
    return {key: text for key, text in texts.items() if key.startswith(SCRIPT_TEXTS)}


@cache
def _escaped(language: Language) -> Mapping[str, str]:
    """All texts of a language, escaped, with their placeholders."""
    return {key: str(escape(text)) for key, text in words(language).items()}


@cache
def _texts_without_values(language: Language) -> Mapping[str, Markup]:
    # Most texts of a page have no placeholder: filling them for each row of a table took a
    # third of the time of the page.
    return {
        key: Markup(filled(text))  # noqa: S704 - escaped
        for key, text in _escaped(language).items()
        if not any(name for _, name, _, _ in Formatter().parse(text))
    }
