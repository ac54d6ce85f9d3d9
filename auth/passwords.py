"""Password hashes with argon2id, computed in threads: each takes 19 MiB and tens of milliseconds.

Knows no accounts and no store.
"""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
ROUNDS = 2
LANES = 1
"""OWASP's minimum parameters for argon2id (Password Storage Cheat Sheet)."""

THREADS = 2
"""Hashes at once, so that a flood of sign-in attempts does not use every core."""


class Argon2Hasher:
    """`chat.accounts.ports.PasswordHasher`. `close` it at the end."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._argon2 = PasswordHasher(time_cost=ROUNDS, memory_cost=memory_kib, parallelism=LANES)
        self._dummy_hash = self._argon2.hash(secrets.token_urlsafe())
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """A hash with a new salt, which contains its parameters."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._argon2.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether the password matches. None takes equally long: it is checked against a dummy."""
        loop = asyncio.get_running_loop()
        expected = password_hash or self._dummy_hash
        return await loop.run_in_executor(self._threads, self._verify, expected, password)

    def close(self) -> None:
        """Finish running hashes and cancel waiting ones. Safe to call twice."""
        self._threads.shutdown(cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
