"""API keys as values: what programs come in with.

The key itself appears only in the hands of who made it; the store has its digest.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from chat.people import Person


class Scope(StrEnum):
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
    owner: str
    name: str
    prefix: str
    created_at: datetime
    scopes: frozenset[Scope] = frozenset({Scope.API})
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked: bool = False
    requests_per_minute: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls the API: a person, by a key or (None) by a session or as the local user."""

    person: Person
    key: ApiKey | None = None
    scopes: frozenset[Scope] = field(default_factory=lambda: frozenset(Scope))

    @property
    def id(self) -> str:
        """Whose requests are one and the same caller's: those of a key, or of a person."""
        return self.key.id if self.key else self.person.id
