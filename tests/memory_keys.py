"""The API keys of an AccountStore in dictionaries."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime

from chat.accounts.models import AccountRole, AccountUsage, ApiKey, AuditEntry, User
from chat.errors import NotFound
from store.schema.columns import refuse_bad_text


@dataclass
class MemoryKeys:
    """The methods of `tests.memory_users.MemoryUsers` for keys."""

    by_id: dict[str, User] = field(default_factory=dict)
    audit: list[AuditEntry] = field(default_factory=list)
    api_keys: dict[str, ApiKey] = field(default_factory=dict)
    use_by_key: dict[tuple[str, date], AccountUsage] = field(default_factory=dict)

    async def add_key(self, token_hash: str, key: ApiKey, audit_entry: AuditEntry) -> None:
        refuse_bad_text(token_hash, key, audit_entry)
        user = self.by_id.get(key.owner_id)
        if user is None or user.disabled or user.role is AccountRole.GUEST:
            raise NotFound
        self.api_keys[token_hash] = key
        self.audit.append(audit_entry)

    async def key(self, token_hash: str) -> tuple[ApiKey, User] | None:
        found = self.api_keys.get(token_hash)
        return (found, self.by_id[found.owner_id]) if found else None

    async def keys(self, owner_id: str | None) -> Sequence[ApiKey]:
        theirs = [key for key in self.api_keys.values() if owner_id in (None, key.owner_id)]
        return sorted(theirs, key=lambda key: key.created_at, reverse=True)

    async def touch_key(self, key_id: str, used_at: datetime) -> None:
        for token_hash, key in self.api_keys.items():
            if key.id == key_id:
                self.api_keys[token_hash] = replace(key, used_at=used_at)

    async def revoke_key(
        self, key_id: str, audit_entry: AuditEntry, *, owner_id: str | None = None
    ) -> None:
        for token_hash, key in self.api_keys.items():
            if key.id == key_id and owner_id in (None, key.owner_id):
                self.api_keys[token_hash] = replace(key, revoked=True)
                self.audit.append(audit_entry)
                return
        raise NotFound

    async def spend_by_key(self, key_id: str, day: date, usage: AccountUsage) -> None:
        if key_id in {key.id for key in self.api_keys.values()}:
            so_far = await self.used_by_key(key_id, day)
            self.use_by_key[key_id, day] = AccountUsage(
                so_far.messages + usage.messages, so_far.tokens + usage.tokens
            )

    async def used_by_key(self, key_id: str, day: date) -> AccountUsage:
        return self.use_by_key.get((key_id, day), AccountUsage())

    def revoke_keys_of(self, owner_id: str) -> None:
        for token_hash, key in self.api_keys.items():
            if key.owner_id == owner_id:
                self.api_keys[token_hash] = replace(key, revoked=True)

    def drop_keys_of(self, owner_id: str) -> None:
        deleted = {key.id for key in self.api_keys.values() if key.owner_id == owner_id}
        self.api_keys = {
            token_hash: key for token_hash, key in self.api_keys.items() if key.id not in deleted
        }
        self.use_by_key = {
            key: usage for key, usage in self.use_by_key.items() if key[0] not in deleted
        }
