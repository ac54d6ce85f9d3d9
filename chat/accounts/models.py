"""Values of accounts: users, sessions, links, API keys, usage and audit entries.

Knows no cookie, no password and no SQL. No value holds a token; the store has only their digests.
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
    """The key by which names are compared: NFKC and case-folded, so that look-alikes collide."""
    return " ".join(normalize("NFKC", normalize("NFKC", name).casefold()).split())


class AccountRole(StrEnum):
    """What a user may do. Stored and sent under the name "rank"."""

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
    """A signed-in browser. `id` identifies it in lists; it is no credential."""

    id: str
    user_id: str
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    device: str = ""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The user of a request, and the session that it came with."""

    user: User
    session_id: str


class OneTimeLinkKind(StrEnum):
    """What a one-time link is for."""

    SETUP = "setup"
    INVITE = "invite"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class OneTimeLink:
    """A link to create an account of this role, or (RESET) to set the password of `user_id`."""

    kind: OneTimeLinkKind
    role: AccountRole
    created_by: str
    expires_at: datetime
    user_id: str | None = None


@dataclass(frozen=True, slots=True)
class GuestLink:
    """A link for guests, with the quota of each guest and the usage of all of them.

    Guests of a campaign's link take part in that campaign. `label` is for the hosts alone, guests
    read `welcome`.
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
    welcome: str = ""

    @property
    def sessions_end(self) -> datetime:
        """When the sessions of its guests end, unless it is revoked earlier."""
        return self.expires_at + CAMPAIGN_GRACE if self.campaign_id else self.expires_at


@dataclass(frozen=True, slots=True)
class GuestLimits:
    """The limits of a guest link: of all guests together, and of each one."""

    expires_at: datetime
    max_guests: int
    max_messages: int
    max_tokens: int


@dataclass(frozen=True, slots=True)
class GuestAllowance:
    """What a guest has left: questions, tokens, and the time until which."""

    messages: int
    tokens: int
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation that was not used yet. `id` is the beginning of its digest: no credential."""

    id: str
    role: AccountRole
    created_by: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """Who asks, as read from the store once for a request: a user, and the link of a guest."""

    user: User
    link: GuestLink | None = None

    @classmethod
    def without_link(cls, user: User) -> "Account | None":
        """The account of a user who came by no link; None for a guest."""
        return cls(user) if user.guest_link_id is None else None


@dataclass(frozen=True, slots=True)
class AccountUsage:
    """Usage of a user: number of questions, and prompt and completion tokens together."""

    messages: int = 0
    tokens: int = 0


class Action(StrEnum):
    """The actions in the audit log."""

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
    EXTEND_GUEST_LINK = "extend-guest-link"
    WITHDRAW_INVITATION = "withdraw-invitation"
    NEW_KEY = "new-key"
    REVOKE_KEY = "revoke-key"
    NEW_SHARE = "new-share"
    REVOKE_SHARE = "revoke-share"
    RETENTION = "retention"
    NEW_CAMPAIGN = "new-campaign"
    CHANGE_CAMPAIGN = "change-campaign"
    OPEN_CAMPAIGN = "open-campaign"
    CLOSE_CAMPAIGN = "close-campaign"
    REOPEN_CAMPAIGN = "reopen-campaign"
    DELETE_CAMPAIGN = "delete-campaign"
    PAUSE_CAMPAIGN = "pause-campaign"
    RESUME_CAMPAIGN = "resume-campaign"
    EXTEND_CAMPAIGN = "extend-campaign"
    TELL_TESTERS = "tell-testers"
    RAISE_GUEST_LINK = "raise-guest-link"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log. Never holds the text of a message.

    Users are identified by id only, so that no name of a deleted user remains. The app itself is
    "".
    """

    at: datetime
    user_id: str
    action: str
    target: str = ""
    detail: str = ""


UNBOUNDED = 2**31
"""Stands for "no limit" where a number is needed."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The quota of the users of one role. None: no limit."""

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
    """An API key. `prefix` is the beginning of the secret, which is shown to its owner.

    `requests_per_minute` and `tokens_per_day` limit this key, in addition to its owner's quota;
    None is no limit. `expires_at` None: no expiry. `used_at` is accurate to a minute.
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
    """The caller of the API: a user, by a key, or (None) by a session or as the local user."""

    user: User
    key: ApiKey | None = None
    scopes: frozenset[KeyScope] = field(default_factory=lambda: frozenset(KeyScope))

    @property
    def id(self) -> str:
        """Identifies the caller: the id of the key, or else of the user."""
        return self.key.id if self.key else self.user.id
