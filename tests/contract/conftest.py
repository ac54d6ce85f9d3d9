"""The stores with the same contract: in memory, SQLite and PostgreSQL."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chat.accounts.ports import AccountStore
from chat.conversations.ports import Store
from store import RoutingStore
from tests.contract.stores import ticking
from tests.contract.users import ANN, BOB, CY, JOINED
from tests.memory_store import MemoryStore
from tests.memory_users import MemoryUsers
from tests.migrated import migrated_store


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "memory":
        return MemoryStore(ticking())
    return migrated_store(request, tmp_path, ticking())


@pytest.fixture
async def store(new_store: Store) -> AsyncIterator[Store]:
    await new_store.open()
    yield new_store
    await new_store.close()


@pytest.fixture
def account_store(store: Store) -> AccountStore:
    if isinstance(store, RoutingStore):
        return store.accounts
    assert isinstance(store, MemoryStore)
    return MemoryUsers(chats=store)


@pytest.fixture
async def town(account_store: AccountStore) -> AccountStore:
    """With an administrator and two members."""
    for user in (ANN, BOB, CY):
        await account_store.add_user(user, f"hash of {user.name}", JOINED)
    return account_store


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoutingStore]:
    """A database with the same users, for data that only databases store."""
    database = migrated_store(request, tmp_path, ticking())
    await database.open()
    for user in (ANN, BOB, CY):
        await database.accounts.add_user(user, f"hash of {user.name}", JOINED)
    yield database
    await database.close()
