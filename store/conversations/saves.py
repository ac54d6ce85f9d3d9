"""Texts of answers that are being generated, saved together."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, or_, update
from sqlalchemy.orm import Session

from chat.errors import AppError, BadText, StoreFailed
from chat.models import Status
from store.conversations.rows import OPEN
from store.conversations.turns import save_text
from store.schema.conversations import MessageRow
from store.transactions import Transactions

WINDOW_S = 0.05
"""How long a save waits for others: about one step of an engine."""


@dataclass(frozen=True, slots=True)
class Save:
    """The text so far of one answer."""

    user_id: str
    message_id: str
    text: str


class GroupedSaves:
    """Saves that come at about the same time are one transaction.

    A page with fifty running answers saves a hundred times a second: most of the cost of such a
    save is its transaction, and its way to a thread and back.
    """

    def __init__(self, transactions: Transactions) -> None:
        self._transactions = transactions
        self._waiting: list[Save] = []
        self._next: asyncio.Task[Mapping[Save, AppError]] | None = None
        self._running: set[asyncio.Task[Mapping[Save, AppError]]] = set()

    async def save(self, user_id: str, message_id: str, text: str) -> None:
        """Store the text so far. Raises NotFound, BadText, StoreFailed."""
        save = Save(user_id, message_id, text)
        self._waiting.append(save)
        if self._next is None:
            self._next = asyncio.create_task(self._store_soon())
            self._running.add(self._next)
            self._next.add_done_callback(self._running.discard)
        # Shielded: a caller that is cancelled must not take the others' saves along.
        errors = await asyncio.shield(self._next)
        if save in errors:
            raise errors[save]

    async def close(self) -> None:
        """Return when all saves are stored."""
        if self._running:
            await asyncio.wait(self._running)

    async def _store_soon(self) -> Mapping[Save, AppError]:
        """Store what is waiting after a moment; the errors of those that could not be stored."""
        await asyncio.sleep(WINDOW_S)
        group, self._waiting, self._next = self._waiting, [], None
        try:
            if len(group) > 1 and await self._transactions.write(_save_texts, group) == len(group):
                return {}
        except StoreFailed as error:
            return dict.fromkeys(group, error)
        except BadText:
            pass  # of one of them
        return await self._store_each(group)

    async def _store_each(self, group: Sequence[Save]) -> Mapping[Save, AppError]:
        """Store one by one, to find out which cannot be stored."""
        errors: dict[Save, AppError] = {}
        for save in group:
            try:
                await self._transactions.write(save_text, save.user_id, save.message_id, save.text)
            except AppError as error:
                errors[save] = error
        return errors


def _save_texts(session: Session, group: Sequence[Save]) -> int:
    """The number of answers that were still open and have their text now."""
    # Not `in_`: SQLAlchemy refuses it in a statement with several rows of parameters.
    is_open = or_(*(MessageRow.status == status for status in OPEN))
    change = (
        update(MessageRow)
        .where(
            MessageRow.id == bindparam("saved_id"),
            MessageRow.owner_id == bindparam("saved_owner"),
            is_open,
        )
        .values(content=bindparam("saved_text"), status=Status.STREAMING)
    )
    rows = [
        {"saved_id": save.message_id, "saved_owner": save.user_id, "saved_text": save.text}
        for save in group
    ]
    return session.connection().execute(change, rows).rowcount
