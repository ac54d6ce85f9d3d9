"""Which store a call is for: temporary conversations in memory, everything else in the database."""

from collections.abc import Callable, Coroutine
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar

from chat.conversations.models import TEMPORARY, Question, Turn
from chat.conversations.ports import ConversationStore, Store
from chat.models import ChatOptions
from store import erasure
from store.accounts.store import DatabaseAccounts
from store.campaigns.store import DatabaseCampaigns, DatabaseComparisons, DatabaseLiveCampaigns
from store.conversations.memory import TemporaryStore
from store.conversations.shares import DatabaseShares
from store.conversations.store import DatabaseConversations
from store.engines import postgres_engine, sqlite_engine
from store.evaluation.store import DatabaseCases
from store.feedback.store import (
    DatabaseDashboard,
    DatabaseRatings,
    DatabaseReports,
    DatabaseResults,
    DatabaseTables,
    DatabaseVotes,
)
from store.lock import FolderLock, NoLock, PostgresLock
from store.queries import Clock, utc_now
from store.transactions import Transactions

FILE_NAME = "qwen-chat.db"

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseFeedback:
    """The stores of campaigns, feedback and evaluation, each as one service needs it."""

    def __init__(self, transactions: Transactions) -> None:
        self.campaigns = DatabaseCampaigns(transactions, erasure)
        self.cases = DatabaseCases(transactions)
        self.comparisons = DatabaseComparisons(transactions)
        self.dashboard = DatabaseDashboard(transactions)
        self.live = DatabaseLiveCampaigns(transactions)
        self.ratings = DatabaseRatings(transactions)
        self.reports = DatabaseReports(transactions)
        self.results = DatabaseResults(transactions)
        self.tables = DatabaseTables(transactions)
        self.votes = DatabaseVotes(transactions)


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
        lock = NoLock(data_dir) if beside else FolderLock(data_dir)
        transactions = Transactions(engine, lock)
    else:
        engine = postgres_engine(database_url)
        transactions = Transactions(engine, NoLock() if beside else PostgresLock(engine))
    return RoutingStore(DatabaseConversations(transactions, clock), TemporaryStore(clock))


class _Router(Protocol):
    """The two stores of a `RoutingStore`."""

    database: DatabaseConversations
    temporary: TemporaryStore


class _ById(Generic[P, T]):
    """A method of the store that holds the conversation or message of the call.

    Every such method takes the user's id first, then the id of the conversation or message.
    """

    def __init__(
        self, method: Callable[Concatenate[ConversationStore, P], Coroutine[Any, Any, T]]
    ) -> None:
        self._name = method.__name__

    def __get__(self, router: _Router, owner: type[_Router]) -> Callable[P, Coroutine[Any, Any, T]]:
        def call(*args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            named = kwargs.get("conversation_id") or kwargs.get("message_id")
            some_id = str(args[1] if len(args) > 1 else named)
            store = router.temporary if some_id.startswith(TEMPORARY) else router.database
            method: Callable[P, Coroutine[Any, Any, T]] = getattr(store, self._name)
            return method(*args, **kwargs)

        return call


class _InDatabase(Generic[P, T]):
    """A method of the database: there is no temporary preset, list or search."""

    def __init__(self, method: Callable[Concatenate[Store, P], Coroutine[Any, Any, T]]) -> None:
        self._name = method.__name__

    def __get__(self, router: _Router, owner: type[_Router]) -> Callable[P, Coroutine[Any, Any, T]]:
        method: Callable[P, Coroutine[Any, Any, T]] = getattr(router.database, self._name)
        return method


class RoutingStore:
    """`chat.conversations.ports.Store` over a database and a store in memory, chosen by the id."""

    add_answer = _ById(ConversationStore.add_answer)
    add_edited_answer = _ById(ConversationStore.add_edited_answer)
    save_text = _ById(ConversationStore.save_text)
    finish_answer = _ById(ConversationStore.finish_answer)
    set_options = _ById(ConversationStore.set_options)
    rename = _ById(ConversationStore.rename)
    pin = _ById(ConversationStore.pin)
    set_archived = _ById(ConversationStore.set_archived)
    conversation = _ById(ConversationStore.conversation)
    path = _ById(ConversationStore.path)
    set_head = _ById(ConversationStore.set_head)
    delete_messages = _ById(ConversationStore.delete_messages)
    restore_messages = _ById(ConversationStore.restore_messages)
    delete = _ById(ConversationStore.delete)
    restore = _ById(ConversationStore.restore)
    archive = _ById(ConversationStore.archive)

    open = _InDatabase(Store.open)
    close = _InDatabase(Store.close)
    conversations = _InDatabase(Store.conversations)
    search = _InDatabase(Store.search)
    destroy_deleted = _InDatabase(Store.destroy_deleted)
    add_archives = _InDatabase(Store.add_archives)
    presets = _InDatabase(Store.presets)
    preset = _InDatabase(Store.preset)
    add_preset = _InDatabase(Store.add_preset)
    revise_preset = _InDatabase(Store.revise_preset)
    share_preset = _InDatabase(Store.share_preset)
    delete_preset = _InDatabase(Store.delete_preset)
    ship_presets = _InDatabase(Store.ship_presets)

    def __init__(self, database: DatabaseConversations, temporary: TemporaryStore) -> None:
        self.database = database
        self.temporary = temporary

    async def check(self) -> None:
        """Raises StoreFailed if the database cannot be written, or another app has taken it."""
        await self.database.transactions.check()

    @property
    def accounts(self) -> DatabaseAccounts:
        """The store of accounts in the same database."""
        return DatabaseAccounts(self.database.transactions, self.temporary, erasure)

    @property
    def shares(self) -> DatabaseShares:
        """The store of links to copies of conversations, in the same database."""
        return DatabaseShares(self.database.transactions)

    @property
    def feedback(self) -> DatabaseFeedback:
        """The stores of campaigns, feedback and evaluation in the same database."""
        return DatabaseFeedback(self.database.transactions)

    async def interrupt_unfinished(self) -> int:
        return (
            await self.database.interrupt_unfinished() + await self.temporary.interrupt_unfinished()
        )

    async def add_turn(
        self, user_id: str, *, conversation_id: str | None, question: Question, options: ChatOptions
    ) -> Turn:
        """A new conversation goes where the question says."""
        if conversation_id is None:
            is_temporary = question.temporary
        else:
            is_temporary = conversation_id.startswith(TEMPORARY)
        home: ConversationStore = self.temporary if is_temporary else self.database
        return await home.add_turn(
            user_id, conversation_id=conversation_id, question=question, options=options
        )

    async def purge_messages(self, before: datetime) -> int:
        """Deleted temporary conversations go with the messages: their trash is not kept."""
        in_memory = await self.temporary.purge_deleted(before)
        return in_memory + await self.database.purge_messages(before)

    async def purge_deleted(self, before: datetime) -> int:
        in_memory = await self.temporary.purge_deleted(before)
        return in_memory + await self.database.purge_deleted(before)
