"""API keys: creation, listing, revocation, and the lookup of the key of a request.

Knows no header and no SQL. A key has 256 random bits, so it is found by an unsalted fast digest.
Every request reads the key from the store, so that a revoked key is rejected at once.
"""

import logging
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from uuid import uuid4

from chat.accounts.access import (
    is_admin,
    may_host,
    refuse_guests,
    refuse_unless_admin,
    visible_owner,
)
from chat.accounts.credentials import check_name, new_token, token_hash
from chat.accounts.errors import BadKey, KeyNotAllowed
from chat.accounts.last_use import LastUse
from chat.accounts.login_throttle import LoginThrottle
from chat.accounts.models import (
    AccountUsage,
    Action,
    ApiKey,
    AuditEntry,
    Clock,
    KeyScope,
    Principal,
    Timer,
    User,
)
from chat.accounts.ports import ApiKeyStore, KeyUsageStore
from chat.accounts.quotas import Rates, count_request, local_now, refuse_when_used_up
from chat.errors import AppError, InvalidSetting, StoreFailed

log = logging.getLogger("qwen_chat.accounts")

BEGINNING = "sk-"
PREFIX_LENGTH = len(BEGINNING) + 5
"""Characters of a key that are shown. The log masks longer strings as secrets."""

BOUNDS = {
    "days": (1, 3_650),
    "requests_per_minute": (1, 1_000_000),
    "tokens_per_day": (1, 1_000_000_000),
}
"""Lowest and highest value of each setting of a key."""


class Keys:
    """API keys. Members see their own, administrators all."""

    def __init__(
        self, store: ApiKeyStore, throttle: LoginThrottle, clock: Clock, timer: Timer
    ) -> None:
        self._store = store
        self._throttle = throttle
        self._clock = clock
        self._used = LastUse(timer)

    async def add(  # noqa: PLR0913 - the fields of a form, by name
        self,
        user: User,
        *,
        name: str,
        scopes: Collection[KeyScope] = frozenset({KeyScope.API}),
        days: int | None = None,
        requests_per_minute: int | None = None,
        tokens_per_day: int | None = None,
        for_user: User | None = None,
    ) -> tuple[ApiKey, str]:
        """Create a key; return it with its secret, which is not stored. `days` None: no expiry.

        Only administrators create one `for_user` other than themselves. Raises NotFound for
        guests, BadName, InvalidSetting, KeyNotAllowed.
        """
        refuse_guests(user)
        if for_user is not None:
            refuse_unless_admin(user)
        for_user = for_user or user
        _check_scopes(for_user, scopes)
        _check_bounds(
            days=days, requests_per_minute=requests_per_minute, tokens_per_day=tokens_per_day
        )
        now, secret = self._clock(), BEGINNING + new_token()
        key = ApiKey(
            id=uuid4().hex,
            owner_id=for_user.id,
            name=check_name(name),
            prefix=secret[:PREFIX_LENGTH],
            created_at=now,
            scopes=frozenset(scopes),
            expires_at=now + timedelta(days=days) if days else None,
            requests_per_minute=requests_per_minute,
            tokens_per_day=tokens_per_day,
        )
        audit_entry = AuditEntry(now, user.id, Action.NEW_KEY, key.id, key.prefix)
        await self._store.add_key(token_hash(secret), key, audit_entry)
        return key, secret

    async def list(self, user: User) -> Sequence[ApiKey]:
        """Newest first, expired and revoked ones too. Raises NotFound for guests."""
        return await self._store.keys(visible_owner(user))

    async def revoke(self, user: User, key_id: str) -> None:
        """Revoke a key for good. Raises NotFound."""
        owner_id = visible_owner(user)
        audit_entry = AuditEntry(self._clock(), user.id, Action.REVOKE_KEY, key_id)
        await self._store.revoke_key(key_id, audit_entry, owner_id=owner_id)

    async def principal(self, secret: str, *, address: str) -> Principal:
        """The principal of an API key. Raises BadKey, TooManyAttempts.

        TooManyAttempts replaces BadKey after too many bad keys; a good key is always accepted.
        """
        found, now = await self._store.key(token_hash(secret)), self._clock()
        if found is None or not lets_in(*found, now):
            self._throttle.wrong_key(address)
            log.info("%s from %s was refused", _in_words(secret), address or "nowhere")
            raise BadKey
        key, user = found
        if self._used.is_news(key.id, key.used_at, now):
            with suppress(StoreFailed):  # a full disk still answers
                await self._store.touch_key(key.id, now)
        return Principal(user, key, key.scopes)


def lets_in(key: ApiKey, user: User, now: datetime) -> bool:
    """Whether the key of this user is valid at that time."""
    expired = key.expires_at is not None and now >= key.expires_at
    return may_host(user) and not (key.revoked or expired)


class KeyLimits:
    """Limits of each key, in addition to the quota of its owner.

    `clock` gives the server's local time. A principal without a key has no limits here.
    """

    def __init__(
        self, usage: KeyUsageStore, rates: Rates, clock: Callable[[], datetime] = local_now
    ) -> None:
        self._usage = usage
        self._rates = rates
        self._clock = clock

    async def check(self, principal: Principal, refunds: ExitStack) -> None:
        """Count one request; `refunds` takes it back. Raises TooManyRequests, TokensUsedUp."""
        key = principal.key
        if key is None:
            return
        count_request(self._rates, f"key {key.id}", key.requests_per_minute, refunds)
        if key.tokens_per_day is not None:
            now = self._clock()
            usage = await self._usage.used_by_key(key.id, now.date())
            refuse_when_used_up(usage, key.tokens_per_day, now)

    async def spend(self, principal: Principal, tokens: int) -> None:
        """Add one request and its tokens (prompt and completion) to the usage of the key."""
        if principal.key is None:
            return
        day, usage = self._clock().date(), AccountUsage(1, tokens)
        try:
            await self._usage.spend_by_key(principal.key.id, day, usage)
        except AppError as error:  # an answer that was written does not fail for its bill
            log.warning("what key %s used could not be written: %s", principal.key.id, error)


def _check_scopes(user: User, scopes: Collection[KeyScope]) -> None:
    if not scopes:
        raise InvalidSetting(name="scopes", low=1, high=len(KeyScope))
    if KeyScope.METRICS in scopes and not is_admin(user):
        raise KeyNotAllowed(scope=KeyScope.METRICS)


def _check_bounds(**numbers: int | None) -> None:
    for name, number in numbers.items():
        low, high = BOUNDS[name]
        if number is not None and not low <= number <= high:
            raise InvalidSetting(name=name, low=low, high=high)


def _in_words(secret: str) -> str:
    """A rejected key for the log: its prefix only, and nothing of what may be a password."""
    return f"a key {secret[:PREFIX_LENGTH]}…" if secret.startswith(BEGINNING) else "no key of ours"
