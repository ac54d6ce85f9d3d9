"""Users with quotas and a manual clock, for tests of limits."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from chat.accounts.models import AccountRole, Allowance, AuditEntry, GuestLink, User
from chat.accounts.quotas import Quotas
from tests.memory_users import MemoryUsers

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
CREATED = AuditEntry(NOON, "admin", "make")
LINK = GuestLink(
    id="link",
    owner_id="ann",
    label="users' day",
    created_at=NOON,
    expires_at=NOON.replace(year=2027),
    max_guests=9,
    max_messages=3,
    max_tokens=100,
)
ALLOWANCES = {
    AccountRole.ADMIN: Allowance(running=2, waiting=2, requests_per_minute=5),
    AccountRole.MEMBER: Allowance(running=2, waiting=2, requests_per_minute=5, tokens_per_day=50),
    AccountRole.GUEST: Allowance(running=2, waiting=2),
}


class CountedRates:
    """A rate limit whose minute never ends."""

    def __init__(self) -> None:
        self.hits: Counter[str] = Counter()

    def hit(self, key: str, per_minute: int, refunds: ExitStack) -> float | None:
        if self.hits[key] >= per_minute:
            return 41.5
        self.hits[key] += 1
        refunds.callback(self.hits.subtract, [key])
        return None


@dataclass
class Town:
    """An administrator, two members, two guests of one link."""

    now: datetime = NOON
    users: MemoryUsers = field(default_factory=MemoryUsers)
    rates: CountedRates = field(default_factory=CountedRates)

    def quotas(self, per_address: int | None = None) -> Quotas:
        return Quotas(
            self.users, self.rates, ALLOWANCES, per_address=per_address, clock=lambda: self.now
        )


async def make_town() -> Town:
    town = Town()
    await town.users.add_guest_link("digest", LINK, CREATED)
    for name, role in (
        ("root", AccountRole.ADMIN),
        ("ann", AccountRole.MEMBER),
        ("bob", AccountRole.MEMBER),
    ):
        await town.users.add_user(User(name, name, role, NOON), None, CREATED)
    for name in ("gus", "gwen"):
        guest = User(name, name, AccountRole.GUEST, NOON, guest_link_id=LINK.id)
        await town.users.admit_guest(LINK.id, guest, CREATED)
    return town
