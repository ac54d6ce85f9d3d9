"""The ports of conversations and presets over a SQL database: which query each method runs."""

from store.conversations import archives, trees, turns
from store.conversations import conversations as conversation_queries
from store.conversations import presets as preset_queries
from store.conversations import search as search_queries
from store.conversations.saves import GroupedSaves
from store.queries import Clock, DatabaseStore, Destroy, Read, TimedWrite, Write, utc_now
from store.transactions import Transactions


class DatabaseConversations(DatabaseStore):
    """`chat.conversations.ports.Store` over SQLAlchemy."""

    interrupt_unfinished = Write(turns.interrupt_unfinished)
    add_turn = TimedWrite(turns.add_turn)
    add_answer = TimedWrite(turns.add_answer)
    add_edited_answer = TimedWrite(turns.add_edited_answer)
    finish_answer = Write(turns.finish_answer)

    set_options = Write(conversation_queries.set_options)
    rename = Write(conversation_queries.rename)
    pin = Write(conversation_queries.pin)
    set_archived = Write(conversation_queries.set_archived)
    conversation = Read(conversation_queries.conversation)
    delete = TimedWrite(conversation_queries.delete)
    restore = Write(conversation_queries.restore)
    purge_messages = Destroy(conversation_queries.purge_messages)
    purge_deleted = Destroy(conversation_queries.purge_deleted)
    destroy_deleted = Destroy(conversation_queries.destroy_deleted)
    conversations = Read(conversation_queries.conversations)

    path = Read(trees.path)
    set_head = Write(trees.set_head)
    delete_messages = TimedWrite(trees.delete_messages)
    restore_messages = Write(trees.restore_messages)

    search = Read(search_queries.search)
    archive = Read(archives.archive)
    add_archives = Write(archives.add_archives)

    preset = Read(preset_queries.preset)
    add_preset = TimedWrite(preset_queries.add_preset)
    revise_preset = TimedWrite(preset_queries.revise_preset)
    share_preset = Write(preset_queries.share_preset)
    delete_preset = TimedWrite(preset_queries.delete_preset)
    ship_presets = TimedWrite(preset_queries.ship_presets)
    presets = Read(preset_queries.presets)

    def __init__(self, transactions: Transactions, clock: Clock = utc_now) -> None:
        super().__init__(transactions, clock)
        self._saves = GroupedSaves(transactions)

    async def open(self) -> None:
        await self.transactions.open()

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        """Raises NotFound."""
        await self._saves.save(user_id, message_id, text)

    async def close(self) -> None:
        """Finish running calls and release the database. Safe to call twice."""
        await self._saves.close()
        await self.transactions.close()
