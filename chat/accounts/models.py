"""Who uses the app, as values: people, their sessions, the links that let them in, what they did.

Knows no cookie, no password and no SQL. Tokens never appear here, only in the hands of who needs
them and, hashed, in the store.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from unicodedata import normalize

LOCAL_USER = "local"
"""Owner of everything while there are no accounts."""


Clock = Callable[[], datetime]
Timer = Callable[[], float]
"""Seconds for durations within this process, from a clock that is never set: `time.monotonic`."""

CAMPAIGN_GRACE = timedelta(hours=24)
"""How long after the end of a campaign, or of a link to it, testers can still send the survey."""


def utc_now() -> datetime:
    return datetime.now(UTC)


def name_key(name: str) -> str:
    """A name as names are compared: without case and width, so that none looks like another."""
    return " ".join(normalize("NFKC", normalize("NFKC", name).casefold()).split())


class AccountRole(StrEnum):
    """What a person may do. Called rank because a role is who speaks in a conversation."""

    ADMIN = "admin"
    MEMBER = "member"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class User:
    """An account. `name` is what one signs in with; a guest's is only a nickname."""

    id: str
    name: str
    role: AccountRole
    created_at: datetime
    disabled: bool = False
    guest_link_id: str | None = None


LOCAL = User(LOCAL_USER, "local", AccountRole.ADMIN, datetime(2020, 1, 1, tzinfo=UTC))
"""The user of every request while there are no accounts."""


@dataclass(frozen=True, slots=True)
class Session:
    """One browser that is signed in. `id` names it to its owner, it lets nobody in."""

    id: str
    user_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who asks, and by which of their sessions."""

    user: User
    session_id: str


class OneTimeLinkKind(StrEnum):
    """What a one-time link is for."""

    SETUP = "setup"
    INVITE = "invite"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A one-time link: to make an account of this rank, or (RESET) to give `user_id` a password."""

    kind: OneTimeLinkKind
    role: AccountRole
    created_by: str
    expires_at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class GuestLink:
    """A link for guests, what each of them may use, and what was used so far.

    Who comes by the link of a campaign takes part in it.
    """

    id: str
    owner_id: str
    label: str
    created_at: datetime
    expires_at: datetime
    max_guests: int
    max_messages: int
    max_tokens: int
    preset_id: str | None = None
    revoked: bool = False
    guests: int = 0
    messages: int = 0
    tokens: int = 0
    campaign_id: str | None = None

    @property
    def sessions_end(self) -> datetime:
        """When its guests are signed out, if it is not revoked."""
        return self.expires_at + CAMPAIGN_GRACE if self.campaign_id else self.expires_at


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """What a person has used: questions asked, tokens read and written."""

    messages: int = 0
    tokens: int = 0


class Action(StrEnum):
    """What the audit log tells of."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SIGN_OUT_EVERYWHERE = "sign-out-everywhere"
    END_SESSION = "end-session"
    CHANGE_PASSWORD = "change-password"  # noqa: S105 - no password, a word about one
    SETUP_LINK = "setup-link"
    INVITE = "invite"
    RESET = "reset"
    JOIN = "join"
    ENTER = "enter"
    SET_ROLE = "set-rank"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"
    NEW_GUEST_LINK = "new-guest-link"
    REVOKE_GUEST_LINK = "revoke-guest-link"
    NEW_KEY = "new-key"
    REVOKE_KEY = "revoke-key"
    RETENTION = "retention"
    NEW_CAMPAIGN = "new-campaign"
    CHANGE_CAMPAIGN = "change-campaign"
    CLOSE_CAMPAIGN = "close-campaign"
    REOPEN_CAMPAIGN = "reopen-campaign"
    DELETE_CAMPAIGN = "delete-campaign"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit log: who did what to whom, when. Never holds a message's text.

    People are named by id alone: who is deleted leaves no name behind. The app itself is "".
    """

    at: datetime
    user_id: str
    action: str
    target: str = ""
    detail: str = ""


UNBOUNDED = 2**31
"""More requests than ever run or wait."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What people of one rank may use. None: no bound."""

    running: int
    waiting: int
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None


class KeyScope(StrEnum):
    """What a key is for."""

    API = "api"
    METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key of a person. `prefix` is its beginning, by which its owner knows it.

    `requests_per_minute` and `tokens_per_day` bound this key alone, beside what its owner may use;
    None sets no bound. `expires_at` None: never. `used_at` is exact to a minute.
    """

    id: str
    owner_id: str
    name: str
    prefix: str
    created_at: datetime
    scopes: frozenset[KeyScope] = frozenset({KeyScope.API})
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked: bool = False
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls the API: a person, by a key or (None) by a session or as the local user."""

    user: User
    key: ApiKey | None = None
    scopes: frozenset[KeyScope] = field(default_factory=lambda: frozenset(KeyScope))

    @property
    def id(self) -> str:
        """Whose requests are one and the same caller's: those of a key, or of a person."""
        return self.key.id if self.key else self.user.id
