"""The store in a SQL database: which query each call is. Knows no SQL and no thread."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from sqlalchemy import Engine

from chat.conversations.models import (
    AnswerRecord,
    Archive,
    Conversation,
    Message,
    Preset,
    PresetText,
    Question,
    SearchHit,
    Turn,
)
from chat.models import ChatOptions
from store.conversations import (
    archives as archiving,
)
from store.conversations import (
    conversations,
    presets,
    search,
    trees,
    turns,
)
from store.lock import StoreLock
from store.transactions import Transactions

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    return datetime.now(UTC)


class DatabaseStore:
    """`chat.conversations.ports.Store` over SQLAlchemy. Raises BadText, StoreFailed."""

    def __init__(self, engine: Engine, clock: Clock, claim: StoreLock) -> None:
        self._database = Transactions(engine, claim)
        self._clock = clock

    @property
    def transactions(self) -> Transactions:
        """For what else lies in the same database."""
        return self._database

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        """Let what was begun end, then let go of the database. Safe to call twice."""
        await self._database.close()

    async def interrupt_unfinished(self) -> int:
        return await self._database.write(turns.interrupt_unfinished)

    # --- turns and answers --------------------------------------------------------------------

    async def add_turn(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> Turn:
        return await self._database.write(
            turns.add_turn, user_id, conversation_id, question, options, self._clock()
        )

    async def add_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str = ""
    ) -> Message:
        return await self._database.write(
            turns.add_answer, user_id, conversation_id, sibling_id, content, self._clock()
        )

    async def add_edited_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str
    ) -> Message:
        return await self._database.write(
            turns.add_edited_answer, user_id, conversation_id, sibling_id, content, self._clock()
        )

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        await self._database.write(turns.save_text, user_id, message_id, text)

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        await self._database.write(turns.finish_answer, user_id, message_id, record)

    # --- one conversation ---------------------------------------------------------------------

    async def set_options(self, user_id: str, conversation_id: str, options: ChatOptions) -> None:
        await self._database.write(conversations.set_options, user_id, conversation_id, options)

    async def rename(self, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
        await self._database.write(conversations.rename, user_id, conversation_id, title, seen)

    async def pin(self, user_id: str, conversation_id: str, pinned: bool) -> None:
        await self._database.write(conversations.pin, user_id, conversation_id, pinned)

    async def conversation(self, user_id: str, conversation_id: str) -> Conversation:
        return await self._database.read(conversations.conversation, user_id, conversation_id)

    async def path(self, user_id: str, conversation_id: str) -> Sequence[Message]:
        return await self._database.read(trees.path, user_id, conversation_id)

    async def set_head(self, user_id: str, conversation_id: str, message_id: str) -> None:
        await self._database.write(trees.set_head, user_id, conversation_id, message_id)

    async def delete_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        await self._database.write(
            trees.delete_messages, user_id, conversation_id, ids, head_id, self._clock()
        )

    async def restore_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        await self._database.write(trees.restore_messages, user_id, conversation_id, ids, head_id)

    async def delete(self, user_id: str, conversation_id: str) -> None:
        await self._database.write(conversations.delete, user_id, conversation_id, self._clock())

    async def restore(self, user_id: str, conversation_id: str) -> None:
        await self._database.write(conversations.restore, user_id, conversation_id)

    async def purge_deleted(self, before: datetime) -> int:
        return await self._database.destroy(conversations.purge_deleted, before)

    # --- all of a user's ----------------------------------------------------------------------

    async def conversations(
        self, user_id: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        return await self._database.read(conversations.conversations, user_id, limit, offset)

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        return await self._database.read(search.search, user_id, words, limit)

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        return await self._database.read(archiving.archive, user_id, conversation_id)

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        return await self._database.write(archiving.add_archives, user_id, archives)

    # --- presets ------------------------------------------------------------------------------

    async def presets(self, user_id: str) -> Sequence[Preset]:
        return await self._database.read(presets.presets, user_id)

    async def preset(self, user_id: str, preset_id: str, version: int | None = None) -> Preset:
        return await self._database.read(presets.preset, user_id, preset_id, version)

    async def add_preset(self, user_id: str, text: PresetText) -> Preset:
        return await self._database.write(presets.add_preset, user_id, text, self._clock())

    async def revise_preset(self, user_id: str, preset_id: str, text: PresetText) -> Preset:
        return await self._database.write(
            presets.revise_preset, user_id, preset_id, text, self._clock()
        )

    async def share_preset(self, user_id: str, preset_id: str, shared: bool) -> None:
        await self._database.write(presets.share_preset, user_id, preset_id, shared)

    async def delete_preset(self, user_id: str, preset_id: str) -> None:
        await self._database.write(presets.delete_preset, user_id, preset_id, self._clock())

    async def ship_presets(self, shipped: Mapping[str, PresetText]) -> None:
        await self._database.write(presets.ship_presets, shipped, self._clock())
