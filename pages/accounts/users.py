"""The pages of an account, of all accounts with the audit log, and of guest links."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from markupsafe import Markup, escape
from ua_parser import parse

from chat.accounts.access import is_guest
from chat.accounts.models import (
    Action,
    AuditEntry,
    GuestAllowance,
    GuestLink,
    Invitation,
    Session,
    User,
)
from pages.html import PageLocale, account_links, render

GUEST_LINK_DEFAULTS = {"days": 7, "max_guests": 20, "max_messages": 100, "max_tokens": 200_000}


@dataclass(frozen=True, slots=True)
class ListedAuditEntry:
    """An audit entry with names in place of ids and the text of its action."""

    at: datetime
    user_name: str
    action: str
    target_name: str
    detail: str


@dataclass(frozen=True, slots=True)
class ListedInvitation:
    """An open invitation with the name of who made it."""

    invitation: Invitation
    creator_name: str


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A session with its browser and system in words; `details` is what the browser sent."""

    session: Session
    device: Markup
    details: str


def account_page(
    locale: PageLocale,
    user: User,
    sessions: Sequence[Session],
    *,
    session_id: str,
    allowance: GuestAllowance | None = None,
) -> Markup:
    """The user's own account. `session_id` is the session of the request.

    `allowance` is what a guest has left.
    """
    return render(
        "accounts/account.html",
        locale,
        nav=account_links(user),
        user=user,
        sessions=[_listed_session(locale, one) for one in sessions],
        session_id=session_id,
        has_password=not is_guest(user),
        allowance=allowance,
    )


def _listed_session(locale: PageLocale, session: Session) -> ListedSession:
    found = parse(session.device)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    if browser and system:
        words = locale.text("device-on", browser=browser, system=system)
    else:
        words = escape(browser or system) or locale.text("device-unknown")
    return ListedSession(session, words, session.device)


def users_page(
    locale: PageLocale,
    user: User,
    users: Sequence[User],
    audit_entries: Sequence[AuditEntry],
    invitations: Sequence[Invitation] = (),
    names_in_audit: Mapping[str, str] = MappingProxyType({}),
) -> Markup:
    """All accounts, invitations with a form for them, and the newest entries of the audit log.

    `names_in_audit` are the names of what the entries tell of, by id; an id without one stays.
    """
    names = {other.id: other.name for other in users}
    return render(
        "accounts/users.html",
        locale,
        nav=account_links(user),
        users=users,
        invitations=[
            ListedInvitation(one, names.get(one.created_by, one.created_by)) for one in invitations
        ],
        audit=[_audit_row(locale, audit_entry, names_in_audit) for audit_entry in audit_entries],
    )


def guests_page(
    locale: PageLocale,
    user: User,
    links: Sequence[GuestLink],
    presets: Sequence[tuple[str, str]],
    owners: Mapping[str, str],
) -> Markup:
    """Guest links: the user's own, or all of them for an administrator.

    `presets` are (id, name) to choose from, `owners` are names by user id.
    """
    return render(
        "accounts/guests.html",
        locale,
        nav=account_links(user),
        guest_links=links,
        owners=owners,
        presets=[("", locale.text("no-preset")), *presets],
        defaults=GUEST_LINK_DEFAULTS,
    )


def _audit_row(
    locale: PageLocale, audit_entry: AuditEntry, names: Mapping[str, str]
) -> ListedAuditEntry:
    """The log keeps the stable word of an action; another version's may be unknown here."""
    is_known = audit_entry.action in set(Action)
    return ListedAuditEntry(
        audit_entry.at,
        names.get(audit_entry.user_id, audit_entry.user_id),
        locale.text(f"action-{audit_entry.action}") if is_known else audit_entry.action,
        names.get(audit_entry.target, audit_entry.target),
        audit_entry.detail,
    )
