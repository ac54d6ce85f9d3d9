"""What is one's own, and what administrators and members look after."""

from collections.abc import Mapping, Sequence
from html import escape

from chat.accounts.models import AccountRole, Action, AuditEntry, GuestLink, Session, User
from pages.html import (
    ReaderContext,
    action,
    choice,
    document,
    field,
    form,
    made,
    nav,
    section,
    table,
    when,
)

GUEST_LINK_DEFAULTS = {"days": 7, "max_guests": 20, "max_messages": 100, "max_tokens": 200_000}


def account_page(
    reader: ReaderContext, user: User, sessions: Sequence[Session], *, session_id: str
) -> str:
    """`session_id`: the session that asks."""
    body = f"<p>{reader.say('you-are', name=user.name, rank=_rank(reader, user.rank))}</p>"
    body += form(reader, "/api/account/sign-out", "", "sign-out", then="go")
    body += section(reader, "sessions", _sessions(reader, sessions, session_id))
    own = ""
    if user.rank is not AccountRole.GUEST:
        body += section(reader, "change-password", _password_form(reader))
        own = field(reader, "password", kind="password", autocomplete="current-password")
    delete = form(
        reader, "/api/account/delete", own, "delete-data", then="tell", sure=reader.say("sure")
    )
    body += section(reader, "delete-data", f"<p>{reader.say('delete-data-info')}</p>{delete}")
    return document(reader, "account", body, nav=nav(reader, user))


def people_page(
    reader: ReaderContext, user: User, people: Sequence[User], entries: Sequence[AuditEntry]
) -> str:
    """Everybody, a way to invite more, and the newest of the audit log."""
    ranks = [(rank.value, _rank(reader, rank)) for rank in (AccountRole.MEMBER, AccountRole.ADMIN)]
    invite = form(
        reader, "/api/people/invite", choice(reader, "rank", ranks), "invite", then="show"
    )
    names = {someone.id: someone.name for someone in people}
    columns = ["column-name", "column-rank", "column-since", ""]
    invite = f"<p>{reader.say('invite-info')}</p>{invite}{made(reader, 'link-made')}"
    body = section(reader, "invite", invite)
    rows = (_person_row(reader, someone) for someone in people)
    body += section(reader, "people", table(reader, columns, rows))
    body += section(reader, "audit", _audit(reader, entries, names))
    return document(reader, "people", body, nav=nav(reader, user))


def guests_page(
    reader: ReaderContext,
    user: User,
    links: Sequence[GuestLink],
    presets: Sequence[tuple[str, str]],
    owners: Mapping[str, str],
) -> str:
    """One's own guest links, an administrator's page has everybody's.

    `presets` are (id, name) to choose from, `owners` the names of people by id.
    """
    columns = ["column-label", "column-owner", "column-until", "column-guests"]
    columns += ["column-messages", "column-tokens", ""]
    rows = (_link_row(reader, link, owners) for link in links)
    listed = section(reader, "guest-links", table(reader, columns, rows))
    new = f"<p>{reader.say('guest-info')}</p>{_link_form(reader, presets)}"
    body = section(reader, "new-guest-link", new + made(reader, "link-made")) + listed
    return document(reader, "guests", body, nav=nav(reader, user))


# --- pieces -----------------------------------------------------------------------------------


def _rank(reader: ReaderContext, rank: AccountRole) -> str:
    return reader.say(f"rank-{rank}")


def _sessions(reader: ReaderContext, sessions: Sequence[Session], session_id: str) -> str:
    rows = [
        (
            escape(session.device) or "–",
            when(session.used_at),
            f"<b>{reader.say('this-one')}</b>"
            if session.id == session_id
            else action(reader, f"/api/account/sessions/{session.id}/end", "end"),
        )
        for session in sessions
    ]
    path = "/api/account/sign-out-everywhere"
    everywhere = form(reader, path, "", "sign-out-everywhere", then="go")
    return table(reader, ["column-device", "column-used", ""], rows) + everywhere


def _password_form(reader: ReaderContext) -> str:
    old = field(reader, "old", kind="password", autocomplete="current-password")
    new = field(
        reader, "new", kind="password", autocomplete="new-password", minlength=10, maxlength=128
    )
    return form(reader, "/api/account/password", old + new, "change-password", then="tell")


def _person_row(reader: ReaderContext, user: User) -> Sequence[str]:
    name = f"<bdi>{escape(user.name)}</bdi>"
    if user.disabled:
        name += f" <em>{reader.say('disabled')}</em>"
    rank, at = _rank(reader, user.rank), f"/api/people/{user.id}"
    turn = "enable" if user.disabled else "disable"
    actions = action(reader, f"{at}/{turn}", turn)
    if user.rank is not AccountRole.GUEST:
        other = AccountRole.MEMBER if user.rank is AccountRole.ADMIN else AccountRole.ADMIN
        actions += action(reader, f"{at}/rank", f"make-{other}", sure=True, rank=other)
        actions += form(reader, f"{at}/reset", "", "reset", then="show")
    actions += action(reader, f"{at}/delete", "delete", sure=True)
    return name, rank, when(user.created_at), f'<div class="row">{actions}</div>'


def _audit(reader: ReaderContext, entries: Sequence[AuditEntry], names: Mapping[str, str]) -> str:
    columns = ["column-at", "column-who", "column-what", "column-whom", "column-detail"]
    rows = (
        (
            when(entry.at),
            escape(names.get(entry.user_id, entry.user_id)),
            _action(reader, entry.action),
            escape(names.get(entry.target, entry.target)),
            escape(entry.detail),
        )
        for entry in entries
    )
    path = reader.link("/api/people/audit.csv")
    export = f'<p><a href="{path}" download>{reader.say("export-csv")}</a></p>'
    return export + table(reader, columns, rows)


def _action(reader: ReaderContext, word: str) -> str:
    """What was done; the log itself keeps the stable word, maybe of another version's."""
    return reader.say(f"action-{word}") if word in set(Action) else escape(word)


def _link_form(reader: ReaderContext, presets: Sequence[tuple[str, str]]) -> str:
    fields = field(reader, "label", data_longest=60)
    for name, value in GUEST_LINK_DEFAULTS.items():
        fields += field(reader, name, kind="number", min=1, step=1, value=value)
    options = [("", reader.say("no-preset")), *((key, escape(name)) for key, name in presets)]
    fields += choice(reader, "preset_id", options)
    return form(reader, "/api/guest-links", fields, "make-link", then="show")


def _link_row(reader: ReaderContext, link: GuestLink, owners: Mapping[str, str]) -> Sequence[str]:
    state = (
        f"<em>{reader.say('revoked')}</em>"
        if link.revoked
        else action(reader, f"/api/guest-links/{link.id}/revoke", "revoke", sure=True)
    )
    return (
        f"<bdi>{escape(link.label)}</bdi>",
        f"<bdi>{escape(owners.get(link.owner_id, '–'))}</bdi>",
        when(link.expires_at),
        f"{link.guests} / {link.max_guests}",
        f"{link.messages} ({link.max_messages})",
        f"{link.tokens} ({link.max_tokens})",
        state,
    )
