"""Passwords as argon2id hashes, computed in threads: one takes 19 MiB and tens of milliseconds.

Knows no person and no store.
"""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MEMORY_KIB = 19 * 1024
ROUNDS = 2
LANES = 1
"""What OWASP asks for at least: with these, a guess costs an attacker as much as it costs us."""

THREADS = 2
"""Hashes at once: a flood of guesses waits, and answers are still written."""


class Argon2Hasher:
    """`chat.accounts.ports.PasswordHasher`. `close` it at the end."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB) -> None:
        self._argon2 = PasswordHasher(time_cost=ROUNDS, memory_cost=memory_kib, parallelism=LANES)
        self._nobodys = self._argon2.hash(secrets.token_urlsafe())
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="passwords")

    async def hash(self, password: str) -> str:
        """A hash with its own salt and its parameters in it."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._argon2.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the password. None is compared with a hash nobody knows a password of."""
        loop = asyncio.get_running_loop()
        there = password_hash or self._nobodys
        return await loop.run_in_executor(self._threads, self._verify, there, password)

    def close(self) -> None:
        """Let what was begun end. Safe to call twice."""
        self._threads.shutdown(cancel_futures=True)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._argon2.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False
