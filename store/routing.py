"""Which store a call is for: temporary conversations in memory, everything else in the database."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from chat.conversations.models import (
    TEMPORARY,
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
from chat.conversations.ports import ConversationStore
from chat.models import ChatOptions
from store import erasure
from store.accounts.store import DatabaseAccounts
from store.campaigns.campaigns import DatabaseCampaigns
from store.campaigns.comparisons import DatabaseComparisons
from store.conversations.memory import TemporaryStore
from store.conversations.store import Clock, DatabaseStore, utc_now
from store.engines import postgres_engine, sqlite_engine
from store.evaluation.cases import DatabaseCases
from store.feedback.dashboard import DatabaseDashboard
from store.feedback.ratings import DatabaseRatings
from store.feedback.reports import DatabaseReports
from store.feedback.results import DatabaseResults
from store.feedback.votes import DatabaseVotes
from store.lock import FolderLock, NoLock, PostgresLock
from store.transactions import Transactions


class DatabaseFeedback:
    """Each attribute keeps what one service needs."""

    def __init__(self, database: Transactions) -> None:
        self.ballots = DatabaseVotes(database)
        self.campaigns = DatabaseCampaigns(database, erasure)
        self.cases = DatabaseCases(database)
        self.figures = DatabaseDashboard(database)
        self.ratings = DatabaseRatings(database)
        self.reports = DatabaseReports(database)
        self.results = DatabaseResults(database)
        self.votes = DatabaseComparisons(database)


FILE_NAME = "qwen-chat.db"


def open_store(
    data_dir: Path,
    database_url: str | None = None,
    *,
    clock: Clock = utc_now,
    beside: bool = False,
) -> "RoutingStore":
    """A store in `data_dir`, or in the PostgreSQL database of the URL. Touches neither yet.

    `beside`: for a command that may run beside the app; it must not call `interrupt_unfinished`.
    Raises StartupError if the URL is none of PostgreSQL.
    """
    if database_url is None:
        engine = sqlite_engine(data_dir / FILE_NAME)
        claim = NoLock(data_dir) if beside else FolderLock(data_dir)
        database = DatabaseStore(engine, clock, claim)
    else:
        engine = postgres_engine(database_url)
        database = DatabaseStore(engine, clock, NoLock() if beside else PostgresLock(engine))
    return RoutingStore(database, TemporaryStore(clock))


class RoutingStore:
    """`chat.conversations.ports.Store` over a database and a store in memory, chosen by the id."""

    def __init__(self, database: DatabaseStore, temporary: TemporaryStore) -> None:
        self._database = database
        self._temporary = temporary

    @property
    def people(self) -> DatabaseAccounts:
        """The store of whose conversations these are, in the same database."""
        return DatabaseAccounts(self._database.transactions, self._temporary, erasure)

    @property
    def feedback(self) -> DatabaseFeedback:
        """The store of what people say of answers, in the same database."""
        return DatabaseFeedback(self._database.transactions)

    def _home(self, some_id: str | None, *, temporary: bool = False) -> ConversationStore:
        """Where the conversation or message with that id is, or a new conversation goes."""
        if some_id is not None:
            temporary = some_id.startswith(TEMPORARY)
        return self._temporary if temporary else self._database

    async def open(self) -> None:
        await self._database.open()

    async def close(self) -> None:
        """Let what was begun end, then let go of the database. Safe to call twice."""
        await self._database.close()

    async def interrupt_unfinished(self) -> int:
        return (
            await self._database.interrupt_unfinished()
            + await self._temporary.interrupt_unfinished()
        )

    async def add_turn(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> Turn:
        home = self._home(conversation_id, temporary=question.temporary)
        return await home.add_turn(
            user_id, conversation_id=conversation_id, question=question, options=options
        )

    async def add_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str = ""
    ) -> Message:
        return await self._home(conversation_id).add_answer(
            user_id, conversation_id=conversation_id, sibling_id=sibling_id, content=content
        )

    async def add_edited_answer(
        self, user_id: str, *, conversation_id: str, sibling_id: str, content: str
    ) -> Message:
        return await self._home(conversation_id).add_edited_answer(
            user_id, conversation_id=conversation_id, sibling_id=sibling_id, content=content
        )

    async def save_text(self, user_id: str, message_id: str, text: str) -> None:
        await self._home(message_id).save_text(user_id, message_id, text)

    async def finish_answer(self, user_id: str, message_id: str, record: AnswerRecord) -> None:
        await self._home(message_id).finish_answer(user_id, message_id, record)

    async def set_options(self, user_id: str, conversation_id: str, options: ChatOptions) -> None:
        await self._home(conversation_id).set_options(user_id, conversation_id, options)

    async def rename(self, user_id: str, conversation_id: str, *, title: str, seen: str) -> None:
        await self._home(conversation_id).rename(user_id, conversation_id, title=title, seen=seen)

    async def pin(self, user_id: str, conversation_id: str, pinned: bool) -> None:
        await self._home(conversation_id).pin(user_id, conversation_id, pinned)

    async def conversation(self, user_id: str, conversation_id: str) -> Conversation:
        return await self._home(conversation_id).conversation(user_id, conversation_id)

    async def path(self, user_id: str, conversation_id: str) -> Sequence[Message]:
        return await self._home(conversation_id).path(user_id, conversation_id)

    async def set_head(self, user_id: str, conversation_id: str, message_id: str) -> None:
        await self._home(conversation_id).set_head(user_id, conversation_id, message_id)

    async def delete_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        home = self._home(conversation_id)
        await home.delete_messages(user_id, conversation_id, ids, head_id=head_id)

    async def restore_messages(
        self, user_id: str, conversation_id: str, ids: Collection[str], *, head_id: str | None
    ) -> None:
        home = self._home(conversation_id)
        await home.restore_messages(user_id, conversation_id, ids, head_id=head_id)

    async def delete(self, user_id: str, conversation_id: str) -> None:
        await self._home(conversation_id).delete(user_id, conversation_id)

    async def restore(self, user_id: str, conversation_id: str) -> None:
        await self._home(conversation_id).restore(user_id, conversation_id)

    async def purge_deleted(self, before: datetime) -> int:
        return await self._database.purge_deleted(before) + await self._temporary.purge_deleted(
            before
        )

    async def archive(self, user_id: str, conversation_id: str) -> Archive:
        return await self._home(conversation_id).archive(user_id, conversation_id)

    # --- only in the database -----------------------------------------------------------------

    async def conversations(
        self, user_id: str, *, limit: int = 50, offset: int = 0
    ) -> Sequence[Conversation]:
        return await self._database.conversations(user_id, limit=limit, offset=offset)

    async def search(self, user_id: str, words: str, *, limit: int = 50) -> Sequence[SearchHit]:
        return await self._database.search(user_id, words, limit=limit)

    async def add_archives(
        self, user_id: str, archives: Sequence[Archive]
    ) -> Sequence[Conversation]:
        return await self._database.add_archives(user_id, archives)

    async def presets(self, user_id: str) -> Sequence[Preset]:
        return await self._database.presets(user_id)

    async def preset(self, user_id: str, preset_id: str, version: int | None = None) -> Preset:
        return await self._database.preset(user_id, preset_id, version)

    async def add_preset(self, user_id: str, text: PresetText) -> Preset:
        return await self._database.add_preset(user_id, text)

    async def revise_preset(self, user_id: str, preset_id: str, text: PresetText) -> Preset:
        return await self._database.revise_preset(user_id, preset_id, text)

    async def share_preset(self, user_id: str, preset_id: str, shared: bool) -> None:
        await self._database.share_preset(user_id, preset_id, shared)

    async def delete_preset(self, user_id: str, preset_id: str) -> None:
        await self._database.delete_preset(user_id, preset_id)

    async def ship_presets(self, shipped: Mapping[str, PresetText]) -> None:
        await self._database.ship_presets(shipped)
