"""The page of an error: what is wrong, and what to do."""

from enum import StrEnum

from markupsafe import Markup

from pages.html import PageLocale, render


class ErrorKind(StrEnum):
    """What is wrong, as the user needs to know it."""

    MISSING = "missing"
    """There is nothing at the address, or the user may not know of it."""

    DATABASE = "database"
    BUSY = "busy"
    OTHER = "other"


def error_page(locale: PageLocale, kind: ErrorKind, message: str, again_s: int | None) -> Markup:
    """The page. `message` is the server's own sentence; it is loaded again after `again_s`."""
    return render("error.html", locale, kind=kind.value, message=message, again_s=again_s)
