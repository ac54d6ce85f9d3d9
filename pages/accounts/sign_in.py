"""The pages that need no session: sign-in, one-time links and guest links."""

from urllib.parse import quote

from markupsafe import Markup

from pages.html import PageLocale, render


def sign_in_page(
    locale: PageLocale, *, then: str, set_up: bool, provider: bool, refused: bool = False
) -> Markup:
    """The form of name and password. `then` is the path to open afterwards.

    `provider` adds the button of the OpenID provider; `refused`: its sign-in has just failed.
    """
    provider_path = f"/api/account/provider?next={quote(then, safe='/')}" if provider else ""
    return render(
        "accounts/sign_in.html",
        locale,
        then=then,
        set_up=set_up,
        provider_path=provider_path,
        refused=refused,
    )


def welcome_page(locale: PageLocale) -> Markup:
    """The page of one-time links. The script asks with the secret of the address for the kind."""
    return render("accounts/welcome.html", locale)


def guest_page(locale: PageLocale) -> Markup:
    """The page of guest links, which ask for a nickname only."""
    return render("accounts/guest.html", locale)
