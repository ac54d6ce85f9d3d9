"""The real page, domain and edge over a scripted engine, served on a free loopback port."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from api.edge.options import EdgeOptions
from api.server import SignIn, build_api, cover_mounted
from chat.accounts.quotas import Quotas
from chat.conversations.jobs import Jobs
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.shares import Shares
from chat.conversations.turns import Turns
from chat.feedback.ratings import Ratings
from chat.serving.engines import Engines
from store import RoutingStore
from tests.browser.coroutines import run_coroutine
from tests.chat import make_generation
from tests.databases import has_database
from tests.fakes import ScriptedEngine, unrated
from tests.hosting import dashboard_of, enrolment_of, hosting_of
from tests.memory_store import MemoryStore
from ui.gradio_adapter.mount import event_names, mount
from ui.page import build_page
from ui.services import Services

START_S = 30.0


def ratings_of(store: MemoryStore | RoutingStore) -> Ratings:
    """The ratings of a store with a database; a store in memory has none."""
    if has_database(store):
        return Ratings(conversations=store, store=store.feedback.ratings)
    return unrated(store)


@contextmanager
def serve(
    engine: ScriptedEngine,
    store: MemoryStore | RoutingStore,
    *,
    open_to_network: bool = False,
    max_running: int = 8,
    max_waiting: int = 8,
    edge: EdgeOptions | None = None,
    sign_in: SignIn | None = None,
    quotas: Quotas | None = None,
    listener: socket.socket | None = None,
) -> Iterator[str]:
    """The page's address; its server runs in a thread until the end of the block.

    With a `listener`, which stays open, the next server can use the same address.
    """
    generation = make_generation(
        engine, max_running=max_running, max_waiting=max_waiting, quotas=quotas
    )
    jobs = Jobs(generation=generation, store=store)
    engines, enrolment = Engines(engine), enrolment_of(store)
    answers = Turns(engines=engines, store=store, jobs=jobs, enrolment=enrolment)
    hosting = hosting_of(store, answers.stop, generation=generation, answers=answers)
    services = Services(
        engine,
        answers,
        Conversations(store=store, jobs=jobs),
        Presets(store),
        ratings_of(store),
        hosting.participation,
        dashboard_of(store),
        sharing=has_database(store),
    )
    run_coroutine(services.presets.ship())
    page = build_page(services, open_to_network=open_to_network)
    api = build_api(
        engine=engine,
        edge=edge or EdgeOptions(),
        archives=services.conversations,
        presets=services.presets,
        shares=Shares(store, store.shares) if has_database(store) else None,
        sign_in=sign_in,
        hosting=hosting,
        handlers=event_names(page),
    )
    site = mount(api, page, root_path="")
    cover_mounted(site)
    listener = listener.dup() if listener else socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(site, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    deadline = time.monotonic() + START_S
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listener.close()
