"""Maintenance while the app runs: stop requests of users without access, delete old data.

Polls the store, so that it also sees changes by the command line.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Protocol

from chat.accounts.api_keys import lets_in
from chat.accounts.models import LOCAL_USER, Action, AuditEntry, Clock, Principal, utc_now
from chat.accounts.ports import MaintenanceStore
from chat.conversations.jobs import Jobs
from chat.errors import NotFound
from chat.serving.background import BackgroundJobs, run_each

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
SWEEP_EVERY_S = 3600.0


class RunningRequests(Protocol):
    """Running requests of programs, or running evaluation runs."""

    def principals(self) -> Collection[Principal]:
        """The principals of all requests that run or wait."""
        ...

    def stop_requests_of(self, principal_id: str) -> None:
        """Stop every request of the caller with that id."""
        ...


class Maintenance:
    """The maintenance loop. `keep` is the retention time of unused conversations; None: unlimited.

    `destroy_due` deletes data of campaigns past their own retention time, each of the
    `sweeps` what else is over, such as old trash. `background` runs the jobs, each for itself.
    """

    def __init__(  # noqa: PLR0913 - what it looks after, each by its name
        self,
        jobs: Jobs,
        users: MaintenanceStore,
        *,
        programs: Sequence[RunningRequests] = (),
        keep: timedelta | None = None,
        destroy_due: Callable[[], Awaitable[int]] | None = None,
        sweeps: Mapping[str, Callable[[], Awaitable[int]]] | None = None,
        clock: Clock = utc_now,
        background: BackgroundJobs | None = None,
    ) -> None:
        self._jobs = jobs
        self._users = users
        self._programs = programs
        self._keep = keep
        self._destroy_due = destroy_due
        self._sweeps = sweeps or {}
        self._clock = clock
        self._background = background or BackgroundJobs()

    async def run(self, look_every_s: float = LOOK_EVERY_S) -> None:
        """Run all jobs periodically until cancelled."""
        repeat = self._background.repeat
        async with asyncio.TaskGroup() as group:
            group.create_task(repeat("stop_disabled", look_every_s, self.stop_removed_users))
            group.create_task(repeat("campaign_retention", SWEEP_EVERY_S, self.destroy_promised))
            group.create_task(repeat("retention", SWEEP_EVERY_S, self.destroy_old))
            for name in self._sweeps:
                group.create_task(repeat(name, SWEEP_EVERY_S, partial(self.sweep, name)))

    async def stop_removed_users(self) -> None:
        """Stop the answers of users and keys that are no longer valid.

        Raises the first failure when all of them have been checked.
        """
        checks: list[Callable[[], Awaitable[None]]] = [
            partial(self._stop_if_gone, user) for user in self._jobs.users() - {LOCAL_USER}
        ]
        for programs in self._programs:
            principals = programs.principals()
            checks += [
                partial(self._stop_programs, programs, principal) for principal in principals
            ]
        await run_each(checks, lambda check: check())

    async def destroy_promised(self) -> int:
        """Destroy what was promised to go by now; how many rows. Raises StoreFailed."""
        rows = await self._destroy_due() if self._destroy_due else 0
        if rows:
            log.info("rows destroyed of campaigns that ended long enough ago: %d", rows)
        return rows

    async def sweep(self, name: str) -> int:
        """Destroy what is due in the trash, or of shares; how many rows. Raises StoreFailed."""
        rows = await self._sweeps[name]()
        if rows:
            log.info("rows of %s destroyed because their time is over: %d", name, rows)
        return rows

    async def destroy_old(self) -> int:
        """Delete data past the retention time; return the count of `delete_older`.

        Raises StoreFailed.
        """
        if self._keep is None:
            return 0
        now = self._clock()
        deleted = await self._users.delete_older(now - self._keep)
        if deleted:
            audit_entry = AuditEntry(now, "", Action.RETENTION, detail=str(deleted))
            await self._users.add_audit_entry(audit_entry)
            log.info("conversations, ratings and votes destroyed because of their age: %d", deleted)
        return deleted

    async def _stop_if_gone(self, user_id: str) -> None:
        if not await self._may_be_here(user_id):
            for conversation_id in self._jobs.conversations_of(user_id):
                if job := self._jobs.find(user_id, conversation_id):
                    job.cancel()

    async def _stop_programs(self, programs: RunningRequests, principal: Principal) -> None:
        if not await self._may_call(principal):
            programs.stop_requests_of(principal.id)

    async def _may_be_here(self, user_id: str) -> bool:
        try:
            user = await self._users.user(user_id)
            if user.disabled or user.guest_link_id is None:
                return not user.disabled
            return not (await self._users.guest_link(user.guest_link_id)).revoked
        except NotFound:
            return False

    async def _may_call(self, principal: Principal) -> bool:
        if principal.key is None:
            return principal.user.id == LOCAL_USER or await self._may_be_here(principal.user.id)
        try:
            user = await self._users.user(principal.user.id)
        except NotFound:
            return False
        keys = {key.id: key for key in await self._users.keys(user.id)}
        key, now = keys.get(principal.key.id), self._clock()
        return key is not None and lets_in(key, user, now)
