"""Password hashes: their parameters, and equal cost for known and unknown names."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from argon2 import extract_parameters
from argon2.low_level import Type

from auth.passwords import Argon2Hasher


@pytest.fixture
def hasher() -> Iterator[Argon2Hasher]:
    hasher = Argon2Hasher(memory_kib=64)
    yield hasher
    hasher.close()


async def test_a_hash_matches_its_own_password_only(hasher: Argon2Hasher) -> None:
    hashed = await hasher.hash("correct horse 电池")
    assert await hasher.matches("correct horse 电池", hashed)
    assert not await hasher.matches("correct horse", hashed)


async def test_two_hashes_of_one_password_differ_and_do_not_show_it(hasher: Argon2Hasher) -> None:
    first, second = await hasher.hash("correct horse"), await hasher.hash("correct horse")
    assert first != second
    assert "correct" not in first


@pytest.mark.parametrize("password_hash", [None, "", "damaged", "$argon2id$v=19$m=1,t=1,p=1$x$y"])
async def test_a_missing_password_never_matches(
    hasher: Argon2Hasher, password_hash: str | None
) -> None:
    assert not await hasher.matches("", password_hash)
    assert not await hasher.matches("any password", password_hash)


async def test_hashes_have_the_configured_cost() -> None:
    hasher = Argon2Hasher()
    hashed = extract_parameters(await hasher.hash("correct horse"))
    hasher.close()
    assert hashed.type is Type.ID
    assert (hashed.memory_cost, hashed.time_cost, hashed.parallelism) == (19 * 1024, 2, 1)


async def test_nothing_is_hashed_on_the_thread_of_the_event_loop(hasher: Argon2Hasher) -> None:
    await asyncio.gather(*(hasher.hash("correct horse") for _ in range(8)))
    names = [thread.name for thread in threading.enumerate() if "passwords" in thread.name]
    assert 1 <= len(names) <= 2


async def test_a_hasher_may_be_closed_twice(hasher: Argon2Hasher) -> None:
    hasher.close()
    hasher.close()
