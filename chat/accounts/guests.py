"""Guest links: members create them, and guests sign in by them with a nickname only."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from uuid import uuid4

from chat.accounts.access import refuse_guests, refuse_unless_visible, visible_owner
from chat.accounts.credentials import check_name, new_token, token_hash
from chat.accounts.models import (
    AccountRole,
    Action,
    AuditEntry,
    Clock,
    GuestAllowance,
    GuestLimits,
    GuestLink,
    User,
)
from chat.accounts.ports import GuestStore
from chat.accounts.sessions import Sessions
from chat.errors import InvalidSetting, MessageTooLong, NotFound
from chat.validation import check_text

BOUNDS = {
    "days": (1, 365),
    "max_guests": (1, 1_000),
    "max_messages": (1, 100_000),
    "max_tokens": (1, 1_000_000_000),
}
"""Lowest and highest of each number of a link; messages and tokens are of each guest."""


MAX_WELCOME = 500
"""Characters of what guests read when they open a link."""


class Guests:
    """Guest links and guests. Members see their own links, administrators all."""

    def __init__(self, store: GuestStore, sessions: Sessions, clock: Clock) -> None:
        self._store = store
        self._sessions = sessions
        self._clock = clock

    async def add_link(  # noqa: PLR0913 - the fields of a form, by name
        self,
        user: User,
        *,
        label: str,
        days: int,
        max_guests: int,
        max_messages: int,
        max_tokens: int,
        preset_id: str | None = None,
        campaign_id: str | None = None,
        welcome: str = "",
    ) -> tuple[GuestLink, str]:
        """A new link and its token.

        Raises NotFound for guests, BadName, InvalidSetting, MessageTooLong, BadText. Does not check
        whether the user may link to that campaign: the calling code does.
        """
        refuse_guests(user)
        limits = self._limits(days, max_guests, max_messages, max_tokens)
        if len(welcome) > MAX_WELCOME:
            raise MessageTooLong(field="welcome", characters=len(welcome), limit=MAX_WELCOME)
        now, token = self._clock(), new_token()
        link = GuestLink(
            id=uuid4().hex,
            owner_id=user.id,
            label=check_name(label),
            created_at=now,
            preset_id=preset_id,
            campaign_id=campaign_id,
            welcome=check_text(welcome).strip(),
            **asdict(limits),
        )
        audit_entry = AuditEntry(now, user.id, Action.NEW_GUEST_LINK, link.id)
        await self._store.add_guest_link(token_hash(token), link, audit_entry)
        return link, token

    async def links(self, user: User) -> Sequence[GuestLink]:
        """Newest first, expired and revoked ones too. Raises NotFound for guests."""
        return await self._store.guest_links(visible_owner(user))

    async def extend_link(
        self,
        user: User,
        link_id: str,
        *,
        days: int,
        max_guests: int,
        max_messages: int,
        max_tokens: int,
    ) -> GuestLink:
        """Give a link new limits; `days` are from now. Raises NotFound, InvalidSetting."""
        refuse_guests(user)
        refuse_unless_visible(user, await self._store.guest_link(link_id))
        limits = self._limits(days, max_guests, max_messages, max_tokens)
        audit_entry = AuditEntry(self._clock(), user.id, Action.EXTEND_GUEST_LINK, link_id)
        link = await self._store.extend_guest_link(link_id, limits, audit_entry)
        self._sessions.invalidate()
        return link

    async def allowance(self, user: User) -> GuestAllowance | None:
        """What a guest has left; None for other users. Raises NotFound."""
        if user.guest_link_id is None:
            return None
        link, used = (
            await self._store.guest_link(user.guest_link_id),
            await self._store.used(user.id),
        )
        return GuestAllowance(
            max(0, link.max_messages - used.messages),
            max(0, link.max_tokens - used.tokens),
            link.expires_at,
        )

    async def revoke_link(self, user: User, link_id: str) -> None:
        """Revoke the link and sign its guests out. Raises NotFound.

        Guests of a campaign can ask no more, but read and send the survey for another day.
        """
        refuse_guests(user)
        refuse_unless_visible(user, await self._store.guest_link(link_id))
        audit_entry = AuditEntry(self._clock(), user.id, Action.REVOKE_GUEST_LINK, link_id)
        await self._store.revoke_guest_link(link_id, audit_entry)
        self._sessions.invalidate()

    def _limits(
        self, days: int, max_guests: int, max_messages: int, max_tokens: int
    ) -> GuestLimits:
        """Raises InvalidSetting."""
        each = {"max_guests": max_guests, "max_messages": max_messages, "max_tokens": max_tokens}
        _check_bounds({"days": days, **each})
        return GuestLimits(expires_at=self._clock() + timedelta(days=days), **each)

    async def check_link(self, token: str) -> GuestLink:
        """Raises NotFound, also when it is revoked or expired."""
        link = await self._store.guest_link_of(token_hash(token))
        if link.revoked or self._clock() >= link.expires_at:
            raise NotFound
        return link

    async def enter(self, token: str, nickname: str, *, address: str, device: str) -> str:
        """Create a guest; return the token of a session, which ends with the link at the latest.

        Raises NotFound, LinkFull, BadName.
        """
        link = await self.check_link(token)
        guest = User(
            uuid4().hex,
            check_name(nickname),
            AccountRole.GUEST,
            self._clock(),
            guest_link_id=link.id,
        )
        audit_entry = AuditEntry(self._clock(), guest.id, Action.ENTER, link.id)
        await self._store.admit_guest(link.id, guest, audit_entry)
        return await self._sessions.begin(
            guest, address=address, device=device, ends_at=link.sessions_end
        )


def _check_bounds(numbers: Mapping[str, int]) -> None:
    for name, number in numbers.items():
        low, high = BOUNDS[name]
        if not low <= number <= high:
            raise InvalidSetting(name=name, low=low, high=high)
