"""The ways in: signing in, one-time links, guest links."""

from urllib.parse import quote

from pages.html import ReaderContext, document, field, form, hidden


def sign_in_page(
    reader: ReaderContext, *, then: str, set_up: bool, provider: bool, refused: bool = False
) -> str:
    """`then` is where to go afterwards; `provider` adds the button of the OpenID provider.

    `refused`: the provider let nobody in just now.
    """
    if not set_up:
        return document(reader, "sign-in", f"<p>{reader.say('not-set-up')}</p>")
    fields = (
        hidden("next", then)
        + field(reader, "name", autocomplete="username", autofocus=True, maxlength=200)
        + field(reader, "password", kind="password", autocomplete="current-password")
    )
    body = form(reader, "/api/account/sign-in", fields, "sign-in", then="go")
    if provider:
        path = reader.link(f"/api/account/provider?next={quote(then, safe='/')}")
        body += f'<p><a class="button" href="{path}">{reader.say("sign-in-provider")}</a></p>'
    if refused:
        body += f'<p class="error" role="alert">{reader.say("error-provider_refused")}</p>'
    return document(reader, "sign-in", f'<div class="card">{body}</div>')


def welcome_page(reader: ReaderContext) -> str:
    """For one-time links. What the link is for is asked with the secret of the address."""
    name = field(reader, "name", autocomplete="username", maxlength=60)
    join = "".join(
        f'<div data-kind="{kind}" hidden><p>{reader.say(f"welcome-{kind}")}</p>'
        + form(reader, "/api/account/accept", fields + _new_password(reader), "join", then="go")
        + "</div>"
        for kind, fields in (("setup", name), ("invite", name), ("reset", ""))
    )
    return document(reader, "welcome", _behind_secret(reader, "/api/account/pass", join))


def guest_page(reader: ReaderContext) -> str:
    """For guest links: a nickname is enough."""
    fields = field(reader, "nickname", autocomplete="nickname", maxlength=60)
    enter = (
        f'<div data-kind="guest" hidden><p>{reader.say("welcome-guest")} <b data-tell="label"></b>'
        f"</p>{form(reader, '/api/account/enter', fields, 'enter', then='go')}</div>"
    )
    return document(reader, "welcome", _behind_secret(reader, "/api/account/guest-link", enter))


def _behind_secret(reader: ReaderContext, path: str, body: str) -> str:
    return (
        f'<div class="card" data-secret="{reader.link(path)}">{body}'
        f'<p class="error" role="alert" data-kind="none" hidden>{reader.say("dead-link")}</p></div>'
    )


def _new_password(reader: ReaderContext) -> str:
    return field(
        reader,
        "password",
        kind="password",
        autocomplete="new-password",
        minlength=10,
        maxlength=128,
        words="field-new-password",
    )
