"""What all pages have in common: the document around them, forms, tables. Pure HTML.

Every value is escaped where it is put in. Nothing here runs: the one script gives forms their
meaning by their data attributes, which `static/pages.js` explains.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from chat.accounts.models import AccountRole, User
from i18n import Language, filled
from pages.i18n import words

SCRIPTS = ("error-", "refused-", "done", "rows-deleted")
"""How the keys of the words begin that the script says."""

NAMES = {Language.ZH: "中文", Language.EN: "English"}


@dataclass(frozen=True, slots=True)
class ReaderContext:
    """Who a page is made for: the language, and where the app is."""

    language: Language
    root_path: str = ""

    def say(self, key: str, **values: object) -> str:
        """The words for `key`, escaped, with escaped `values` filled in."""
        safe = {name: escape(str(value)) for name, value in values.items()}
        return filled(self.template(key), **safe)

    def template(self, key: str) -> str:
        """The words for `key`, escaped, with their places still to be filled by the script."""
        return escape(words(self.language)[key])

    def link(self, path: str) -> str:
        return escape(self.root_path + path)


def document(  # noqa: PLR0913 - the parts of a page, by name
    reader: ReaderContext,
    title: str,
    body: str,
    *,
    heading: str = "",
    nav: str = "",
    wide: bool = False,
    script: str = "",
) -> str:
    """A whole page. `title` is the key of its words, `heading` a text in their place.

    `script` names one of its own.
    """
    root, headed = reader.root_path, escape(heading) or reader.say(title)
    spoken = {key: text for key, text in words(reader.language).items() if key.startswith(SCRIPTS)}
    # Inside a script element only "<" could end it.
    said = json.dumps(spoken, ensure_ascii=False).replace("<", "\\u003c")
    more = f'<script src="{escape(root)}/{escape(script)}" defer></script>' if script else ""
    return (
        f'<!doctype html><html lang="{reader.language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{headed} · Qwen Chat</title>"
        f'<link rel="icon" href="{escape(root)}/favicon.ico">'
        f'<link rel="stylesheet" href="{escape(root)}/pages.css">'
        f'<link rel="stylesheet" href="{escape(root)}/math.css">'
        f'<script type="application/json" id="words">{said}</script>'
        f'<script src="{escape(root)}/pages.js" defer></script>{more}</head>'
        f"<body><header><i></i><b>Qwen Chat</b>{nav}{_languages(reader)}</header>"
        f'<main class="{"wide" if wide else ""}"><h1 dir="auto">{headed}</h1>'
        f'<noscript><p class="error">'
        f"{reader.say('needs-script')}</p></noscript>{body}</main></body></html>"
    )


def form(
    reader: ReaderContext, path: str, fields: str, button: str, *, then: str = "reload", **more: str
) -> str:
    """A form that is sent as JSON. `then`: go, reload or show; `more`: further data attributes."""
    data = "".join(f' data-{name}="{escape(value)}"' for name, value in more.items())
    return (
        f'<form data-post="{reader.link(path)}" data-then="{then}"{data}>{fields}'
        f'<p class="error" role="alert" hidden></p><button>{reader.say(button)}</button></form>'
    )


def action(
    reader: ReaderContext, path: str, button: str, *, sure: bool = False, **body: str
) -> str:
    """A form of a button alone. `sure`: it asks once more in its place."""
    fields = "".join(hidden(name, value) for name, value in body.items())
    asks = {"sure": reader.say("sure")} if sure else {}
    return form(reader, path, fields, button, **asks)


def field(
    reader: ReaderContext,
    name: str,
    *,
    kind: str = "text",
    required: bool = True,
    **attributes: object,
) -> str:
    """A labelled input; its words are those of `field-NAME`, or of `words`.

    `data_longest` is how many characters it may have: more are not cut, but told of.
    """
    key = str(attributes.pop("words", f"field-{name}"))
    attributes |= {"required": True} if required else {}
    more = "".join(
        f" {name}" if value is True else f' {name.replace("_", "-")}="{escape(str(value))}"'
        for name, value in attributes.items()
    )
    return f'<label><span>{reader.say(key)}</span><input name="{name}" type="{kind}"{more}></label>'


def ticks(reader: ReaderContext, name: str, options: Sequence[tuple[str, str, bool]]) -> str:
    """Boxes to tick, of (value, escaped words, ticked), below the words of `field-NAME`."""
    boxes = "".join(
        f'<label><input type="checkbox" name="{name}" value="{escape(value)}"'
        f"{' checked' if ticked else ''}> {said}</label>"
        for value, said, ticked in options
    )
    return f"<fieldset><legend>{reader.say(f'field-{name}')}</legend>{boxes}</fieldset>"


def made(reader: ReaderContext, words: str) -> str:
    """Where a secret is shown, once, that a form with `then="show"` has made."""
    copied = reader.say("copied")
    return (
        f'<div class="made" role="status" hidden><p>{reader.say(words)}</p><div class="row">'
        f'<input readonly aria-label="{reader.say(words)}"><button type="button" class="quiet" '
        f'data-copied="{copied}">{reader.say("copy")}</button></div></div>'
    )


def nav(reader: ReaderContext, user: User) -> str:
    """The way to the other pages that are for this person."""
    pages = [("/", "chat"), ("/account", "account")]
    if user.rank is not AccountRole.GUEST:
        pages += [("/guests", "guests"), ("/keys", "keys"), ("/campaigns", "campaigns")]
    if user.rank is AccountRole.ADMIN:
        pages.append(("/people", "people"))
    links = (f'<a href="{reader.link(path)}">{reader.say(key)}</a>' for path, key in pages)
    return f"<nav>{''.join(links)}</nav>"


def hidden(name: str, value: str) -> str:
    """An input that is sent along."""
    return f'<input type="hidden" name="{name}" value="{escape(value)}">'


def choice(
    reader: ReaderContext, name: str, options: Sequence[tuple[str, str]], *, words: str = ""
) -> str:
    """A labelled select of (value, escaped words); its label is as that of `field`."""
    listed = "".join(f'<option value="{escape(value)}">{said}</option>' for value, said in options)
    return (
        f"<label><span>{reader.say(words or f'field-{name}')}</span>"
        f'<select name="{name}">{listed}</select></label>'
    )


def table(reader: ReaderContext, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Rows of escaped cells; `columns` are keys of words."""
    head = "".join(f"<th>{reader.say(key) if key else ''}</th>" for key in columns)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return f"<p>{reader.say('nothing')}</p>"
    return (
        f'<div class="table"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def section(reader: ReaderContext, title: str, body: str) -> str:
    return f"<section><h2>{reader.say(title)}</h2>{body}</section>"


def when(moment: datetime) -> str:
    """A time, which the script writes in the reader's way."""
    return f'<time datetime="{moment.isoformat()}">{moment:%Y-%m-%d %H:%M}</time>'


def _languages(reader: ReaderContext) -> str:
    return "".join(
        f'<button class="quiet" data-language="{language}" lang="{language}">{name}</button>'
        for language, name in NAMES.items()
        if language is not reader.language
    )
