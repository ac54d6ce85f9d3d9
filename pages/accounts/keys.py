"""API keys: one's own, an administrator's page has everybody's."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape

from chat.accounts.models import AccountRole, ApiKey, KeyScope, User
from pages.html import (
    ReaderContext,
    action,
    document,
    field,
    form,
    made,
    nav,
    section,
    table,
    ticks,
    when,
)

NUMBERS = ("days", "requests_per_minute", "tokens_per_day")


def keys_page(
    reader: ReaderContext,
    user: User,
    keys: Sequence[ApiKey],
    owners: Mapping[str, str],
    now: datetime,
) -> str:
    """`owners` are the names of people by id."""
    columns = ["column-key", "column-scopes", "column-used", "column-until", ""]
    if user.rank is AccountRole.ADMIN:
        columns.insert(1, "column-whose")
    rows = (_row(reader, user, key, owners, now) for key in keys)
    new = f"<p>{reader.say('keys-info')}</p>{_form(reader, user)}{made(reader, 'key-made')}"
    body = section(reader, "new-key", new)
    body += section(reader, "keys", table(reader, columns, rows))
    return document(reader, "keys", body, nav=nav(reader, user))


def _form(reader: ReaderContext, user: User) -> str:
    fields = field(reader, "name", words="field-label", data_longest=60)
    if user.rank is AccountRole.ADMIN:
        scopes = [(scope.value, _scope(reader, scope), scope is KeyScope.API) for scope in KeyScope]
        fields += ticks(reader, "scopes", scopes)
    for name in NUMBERS:
        words = f"field-key_{name}"
        fields += field(reader, name, kind="number", required=False, min=1, step=1, words=words)
    return form(reader, "/api/keys", fields, "make-key", then="show")


def _row(
    reader: ReaderContext, user: User, key: ApiKey, owners: Mapping[str, str], now: datetime
) -> Sequence[str]:
    cells = [
        f"<bdi>{escape(key.name)}</bdi><br><code>{escape(key.prefix)}…</code>",
        "<br>".join(_opens(reader, key)),
        when(key.used_at) if key.used_at else "–",
        when(key.expires_at) if key.expires_at else "–",
        _end(reader, key, now),
    ]
    if user.rank is AccountRole.ADMIN:
        cells.insert(1, f"<bdi>{escape(owners.get(key.owner_id, '–'))}</bdi>")
    return cells


def _opens(reader: ReaderContext, key: ApiKey) -> Sequence[str]:
    """What it is for, and how much of that."""
    limits = [
        reader.say(words, count=f"{number:,}")
        for words, number in (
            ("a-minute", key.requests_per_minute),
            ("tokens-a-day", key.tokens_per_day),
        )
        if number is not None
    ]
    return [_scope(reader, scope) for scope in KeyScope if scope in key.scopes] + limits


def _end(reader: ReaderContext, key: ApiKey, now: datetime) -> str:
    if key.revoked:
        return f"<em>{reader.say('revoked')}</em>"
    if key.expires_at is not None and now >= key.expires_at:
        return f"<em>{reader.say('expired')}</em>"
    return action(reader, f"/api/keys/{key.id}/revoke", "revoke", sure=True)


def _scope(reader: ReaderContext, scope: KeyScope) -> str:
    return reader.say(f"scope-{scope}")
