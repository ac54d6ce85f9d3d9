"""Quotas: requests a minute, tokens a day, and the quota of a guest link.

Owns the order of the checks and the count of open requests. Knows no queue and no answer; the rates
and the usage are kept behind two ports.
"""

import logging
import math
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime, time, timedelta
from typing import Protocol

from chat.accounts.errors import (
    GuestMessagesUsedUp,
    GuestTokensUsedUp,
    TokensUsedUp,
    TooManyRequests,
)
from chat.accounts.login_throttle import network_of
from chat.accounts.models import (
    LOCAL_USER,
    UNBOUNDED,
    Account,
    AccountRole,
    AccountUsage,
    Allowance,
    User,
)
from chat.accounts.ports import QuotaStore
from chat.errors import AppError

log = logging.getLogger(__name__)

NO_LIMITS = Allowance(running=UNBOUNDED, waiting=UNBOUNDED)


class Rates(Protocol):
    """Counts requests in a sliding window of a minute, in memory of bounded size."""

    def hit(self, key: str, per_minute: int, refunds: ExitStack) -> float | None:
        """Count one request; None if it is allowed, else the seconds until one will be.

        `refunds` gets a callback that takes the count back.
        """
        ...


def local_now() -> datetime:
    """The server's local time; quota days begin at local midnight."""
    return datetime.now().astimezone()


def count_request(rates: Rates, key: str, per_minute: int | None, refunds: ExitStack) -> None:
    """Count one request of `key`; `refunds` takes it back. Raises TooManyRequests."""
    if per_minute is None:
        return
    wait_s = rates.hit(key, per_minute, refunds)
    if wait_s is not None:
        raise TooManyRequests(limit=per_minute, retry_after_s=max(1, math.ceil(wait_s)))


def refuse_when_used_up(usage: AccountUsage, limit: int, now: datetime) -> None:
    """Raises TokensUsedUp when the day's tokens are used; the next day begins at midnight."""
    if usage.tokens < limit:
        return
    midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
    wait_s = math.ceil((midnight - now).total_seconds())
    raise TokensUsedUp(limit=limit, retry_after_s=wait_s, hours=math.ceil(wait_s / 3600))


class QuotaReservation:
    """Quota reserved for one request: spent when its answer ends, released if it never started.

    `refunds` takes back what the request counts in limits of a minute, for the case that it is
    refused.
    """

    def __init__(
        self, user_id: str = "", allowance: Allowance = NO_LIMITS, quotas: "Quotas | None" = None
    ) -> None:
        self.user = user_id
        self.allowance = allowance
        self.refunds = ExitStack()
        self._quotas = quotas

    def refuse(self) -> None:
        """Release the reservation as if there had been no request. Does nothing after `spend`."""
        self.refunds.close()
        self.give_back()

    def give_back(self) -> None:
        """Release the reservation. Safe to call twice, and after `spend`."""
        self.refunds.pop_all()
        quotas, self._quotas = self._quotas, None
        if quotas:
            quotas.give_back(self.user)

    async def spend(self, tokens: int) -> None:
        """Bill the request with its prompt and completion tokens, and release the reservation."""
        try:
            if self._quotas:
                await self._quotas.spend(self.user, tokens)
        finally:
            self.give_back()


class Quotas:
    """Checks quotas, and adds up usage.

    `per_address` limits the requests a minute of all users at one address. `clock` gives the
    server's local time.
    """

    def __init__(
        self,
        usage: QuotaStore,
        rates: Rates,
        allowances: Mapping[AccountRole, Allowance],
        *,
        per_address: int | None = None,
        clock: Callable[[], datetime] = local_now,
    ) -> None:
        self._usage = usage
        self._rates = rates
        self._allowances = allowances
        self._per_address = per_address
        self._clock = clock
        self._open: Counter[str] = Counter()

    async def check(
        self, user_id: str, *, address: str = "", account: Account | None = None
    ) -> QuotaReservation:
        """Reserve quota for one request. Raises QuotaExceeded kinds, NotFound for unknown users.

        A refused request counts in no limit.

        `account` is the user's, where this request has read it already. The local user has no
        limits.
        """
        if user_id == LOCAL_USER:
            return QuotaReservation()
        account = account or await self._usage.account(user_id)
        user = account.user
        allowance = self._allowances[user.role]
        reservation = QuotaReservation(user.id, allowance, self)
        # Counted before the first await, so that two concurrent requests cannot both be the last.
        self._open[user.id] += 1
        with ExitStack() as undo:
            undo.callback(reservation.refuse)
            refunds, per_minute = reservation.refunds, allowance.requests_per_minute
            count_request(self._rates, f"user {user.id}", per_minute, refunds)
            if address:
                network = f"address {network_of(address)}"
                count_request(self._rates, network, self._per_address, refunds)
            await self._check_tokens_of_day(user, allowance)
            await self._check_guest(account)
            undo.pop_all()
        return reservation

    async def spend(self, user_id: str, tokens: int) -> None:
        """Add one request and its tokens to the usage."""
        try:
            await self._usage.spend(user_id, self._clock().date(), AccountUsage(1, tokens))
        except (
            AppError
        ) as error:  # the answer is complete: a failed write of its usage must not fail it
            log.warning("what %s used could not be written: %s", user_id, error)

    def give_back(self, user_id: str) -> None:
        """Count one open request less."""
        self._open[user_id] -= 1
        self._open += Counter()  # which drops the zeros

    async def _check_tokens_of_day(self, user: User, allowance: Allowance) -> None:
        limit = allowance.tokens_per_day
        if limit is None:
            return
        now = self._clock()
        refuse_when_used_up(await self._usage.used(user.id, now.date()), limit, now)

    async def _check_guest(self, account: Account) -> None:
        user, link = account.user, account.link
        assert (link is None) == (user.guest_link_id is None)  # or a guest would have no limits
        if link is None:
            return
        usage = await self._usage.used(user.id)
        if usage.messages + self._open[user.id] > link.max_messages:
            raise GuestMessagesUsedUp(limit=link.max_messages)
        if usage.tokens >= link.max_tokens:
            raise GuestTokensUsedUp(limit=link.max_tokens)
