"""Quotas of users, addresses and guests."""

import asyncio
from datetime import timedelta, timezone

import pytest

from chat.accounts.errors import (
    GuestMessagesUsedUp,
    GuestTokensUsedUp,
    QuotaExceeded,
    TokensUsedUp,
    TooManyRequests,
)
from chat.accounts.models import LOCAL_USER, AccountUsage
from chat.accounts.quotas import NO_LIMITS
from chat.errors import NotFound, StoreFailed
from tests.memory_users import MemoryUsers
from tests.users import ALLOWANCES, LINK, NOON, CountedRates, Town, make_town


@pytest.fixture
async def town() -> Town:
    return await make_town()


async def test_each_user_has_their_own_rate_limit(town: Town) -> None:
    quotas = town.quotas()
    for _ in range(5):
        await quotas.check("ann")
    with pytest.raises(TooManyRequests) as caught:
        await quotas.check("ann")
    assert caught.value.values == {"limit": 5, "retry_after_s": 42}
    await quotas.check("bob")


async def test_all_users_at_one_address_share_its_limit(town: Town) -> None:
    quotas = town.quotas(per_address=2)
    await quotas.check("ann", address="2001:db8:1:2::1")
    await quotas.check("bob", address="2001:db8:1:2::2")
    with pytest.raises(TooManyRequests) as caught:
        await quotas.check("root", address="2001:db8:1:2::3")
    assert caught.value.values["limit"] == 2
    await quotas.check("root", address="192.0.2.1")
    await quotas.check("root")


async def test_a_member_has_a_daily_token_limit_and_learns_when_it_resets(
    town: Town,
) -> None:
    quotas = town.quotas()
    await (await quotas.check("ann")).spend(49)
    await (await quotas.check("ann")).spend(500)
    with pytest.raises(TokensUsedUp) as caught:
        await quotas.check("ann")
    assert caught.value.values == {"limit": 50, "retry_after_s": 12 * 3600, "hours": 12}
    await quotas.check("bob")
    town.now += timedelta(hours=12)
    await quotas.check("ann")


async def test_a_quota_day_ends_at_local_midnight(town: Town) -> None:
    town.now = NOON.astimezone(timezone(timedelta(hours=8)))
    quotas = town.quotas()
    await (await quotas.check("ann")).spend(50)
    with pytest.raises(TokensUsedUp) as caught:
        await quotas.check("ann")
    assert caught.value.values["retry_after_s"] == 4 * 3600


async def test_an_administrator_has_no_token_limit(town: Town) -> None:
    quotas = town.quotas()
    await (await quotas.check("root")).spend(10**9)
    await quotas.check("root")


async def test_a_guests_quota_covers_all_days_of_the_link(town: Town) -> None:
    quotas = town.quotas()
    for _ in range(LINK.max_messages):
        await (await quotas.check("gus")).spend(1)
        town.now += timedelta(days=2)
    with pytest.raises(GuestMessagesUsedUp) as caught:
        await quotas.check("gus")
    assert caught.value.values == {"limit": LINK.max_messages}
    await (await quotas.check("gwen")).spend(LINK.max_tokens)
    with pytest.raises(GuestTokensUsedUp):
        await quotas.check("gwen")


class SlowUsers(MemoryUsers):
    """Answers only when others had time to ask, as a database does."""

    async def used(self, *arguments: object) -> AccountUsage:
        await asyncio.sleep(0)
        return await super().used(*arguments)  # type: ignore[arg-type]  # passed on as they are


async def test_concurrent_requests_cannot_both_use_a_guests_last_message(town: Town) -> None:
    town.users = SlowUsers(**vars(town.users))
    quotas = town.quotas()
    results = await asyncio.gather(*(quotas.check("gus") for _ in range(9)), return_exceptions=True)
    permits = [reservation for reservation in results if not isinstance(reservation, BaseException)]
    assert len(permits) == LINK.max_messages
    await asyncio.gather(*(reservation.spend(1) for reservation in permits))
    with pytest.raises(GuestMessagesUsedUp):
        await quotas.check("gus")


async def test_a_released_reservation_costs_nothing_and_counts_once(town: Town) -> None:
    quotas = town.quotas()
    permits = [await quotas.check("gus") for _ in range(LINK.max_messages)]
    with pytest.raises(QuotaExceeded):
        await quotas.check("gus")
    permits[0].give_back()
    permits[0].give_back()
    await permits[0].spend(7)
    await quotas.check("gus")
    with pytest.raises(QuotaExceeded):
        await quotas.check("gus")
    assert await town.users.used("gus") == AccountUsage()


async def test_the_local_user_has_no_limits(town: Town) -> None:
    quotas = town.quotas(per_address=1)
    permits = [await quotas.check(LOCAL_USER, address="127.0.0.1") for _ in range(100)]
    for reservation in permits:
        await reservation.spend(10**6)
    assert permits[0].allowance == NO_LIMITS
    assert await town.users.used(LOCAL_USER) == AccountUsage()


async def test_an_unknown_user_has_no_quota(town: Town) -> None:
    with pytest.raises(NotFound):
        await town.quotas().check("nobody")


class FullDisk(MemoryUsers):
    """Cannot write."""

    async def spend(self, *arguments: object) -> None:
        raise StoreFailed


async def test_a_failed_usage_write_does_not_fail_the_answer(town: Town) -> None:
    town.users = FullDisk(**vars(town.users))
    quotas = town.quotas()
    for _ in range(LINK.max_messages + 1):
        await (await quotas.check("gus")).spend(1)


async def test_roles_without_a_limit_are_not_counted(town: Town) -> None:
    await town.quotas().check("gus", address="192.0.2.1")
    assert isinstance(town.rates, CountedRates)
    assert not town.rates.hits
    assert ALLOWANCES[(await town.users.user("gus")).role].requests_per_minute is None
