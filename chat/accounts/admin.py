"""What administrators do with people. To everybody else none of it is there: NotFound."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chat.accounts.base import AccountParts, refuse_unless_admin
from chat.accounts.credentials import new_token, token_hash
from chat.accounts.models import Action, Entry, Pass, PassKind, Person, Rank
from chat.errors import BadRequest

INVITE_LASTS = timedelta(days=7)
RESET_LASTS = timedelta(hours=24)
MOST_ENTRIES = 1000


class Administration(AccountParts):
    """People as administrators see them. Each call raises NotFound for any other actor."""

    async def people(self, actor: Person) -> Sequence[Person]:
        """All, guests too, oldest first."""
        refuse_unless_admin(actor)
        return await self._store.people()

    async def invite(self, actor: Person, rank: Rank) -> str:
        """The token of a link that makes an account, once. Raises BadRequest for guests."""
        refuse_unless_admin(actor)
        _refuse_guest_rank(rank)
        return await self._add_pass(actor, PassKind.INVITE, rank, INVITE_LASTS)

    async def reset(self, actor: Person, user_id: str) -> str:
        """The token of a link by which that person gets a new password, once.

        The old password is good until then. Raises BadRequest for a guest, who has none.
        """
        refuse_unless_admin(actor)
        person = await self._store.person(user_id)
        _refuse_guest_rank(person.rank)
        return await self._add_pass(actor, PassKind.RESET, person.rank, RESET_LASTS, user_id)

    async def set_rank(self, actor: Person, user_id: str, rank: Rank) -> Person:
        """Raises LastAdmin; BadRequest where a guest is or would be: those come by links."""
        refuse_unless_admin(actor)
        _refuse_guest_rank(rank)
        _refuse_guest_rank((await self._store.person(user_id)).rank)
        entry = self._entry(actor.id, Action.SET_RANK, user_id, rank)
        return self._changed(await self._store.change_person(user_id, entry, rank=rank))

    async def disable(self, actor: Person, user_id: str) -> Person:
        """Shut out, and end every session. Raises LastAdmin."""
        refuse_unless_admin(actor)
        entry = self._entry(actor.id, Action.DISABLE, user_id)
        return self._changed(await self._store.change_person(user_id, entry, disabled=True))

    async def enable(self, actor: Person, user_id: str) -> Person:
        refuse_unless_admin(actor)
        entry = self._entry(actor.id, Action.ENABLE, user_id)
        return self._changed(await self._store.change_person(user_id, entry, disabled=False))

    async def delete(self, actor: Person, user_id: str) -> int:
        """Destroy an account and all that is its own; how many rows went. Raises LastAdmin."""
        refuse_unless_admin(actor)
        return await self._delete(actor, user_id)

    async def entries(
        self, actor: Person, before: datetime | None = None, limit: int = 200
    ) -> Sequence[Entry]:
        """The audit log, newest first, from the last entry `before` that time."""
        refuse_unless_admin(actor)
        return await self._store.entries(before=before, limit=min(max(limit, 0), MOST_ENTRIES))

    async def _delete(self, actor: Person, user_id: str) -> int:
        entry = self._entry(actor.id, Action.DELETE, user_id)
        rows = await self._store.delete_person(user_id, entry)
        self._sessions.look_anew()
        return rows

    async def _add_pass(
        self,
        actor: Person,
        kind: PassKind,
        rank: Rank,
        lasts: timedelta,
        user_id: str | None = None,
    ) -> str:
        token = new_token()
        one_time = Pass(kind, rank, actor.id, self._clock() + lasts, user_id)
        action = Action.RESET if kind is PassKind.RESET else Action.INVITE
        entry = self._entry(actor.id, action, user_id or "", rank)
        await self._store.add_pass(token_hash(token), one_time, entry)
        return token

    def _changed(self, person: Person) -> Person:
        self._sessions.look_anew()
        return person


def _refuse_guest_rank(rank: Rank) -> None:
    if rank is Rank.GUEST:
        raise BadRequest("Guests come by guest links, and have no password and no other rank.")
