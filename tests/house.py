"""The web app with accounts over stores in memory, and signed-in clients."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from fastapi import FastAPI
from starlette.types import ASGIApp

from api.accounts.routes import PageContext
from api.edge.options import EdgeOptions
from api.server import SignIn, build_api, cover_mounted
from chat.accounts.authentication import AccountAuthenticator
from chat.accounts.models import AccountRole, utc_now
from chat.accounts.service import Accounts
from chat.accounts.sso import IdentityProvider
from chat.conversations.jobs import Jobs
from chat.conversations.presets import Presets
from chat.conversations.service import Conversations
from chat.conversations.turns import Turns
from chat.serving.completions import Completions
from chat.serving.engines import Engines
from tests.chat import make_generation
from tests.fakes import ScriptedEngine, unrated
from tests.hosting import dashboard_of, hosting_of
from tests.memory_store import MemoryStore
from tests.memory_users import MemoryUsers, OpenHasher
from ui.gradio_adapter.mount import event_names, mount
from ui.page import build_page
from ui.services import Services

HOME = "http://localhost:7860"
PASSWORD = "correct horse battery"


@dataclass
class Clock:
    """A clock that a test sets."""

    now: datetime = field(default_factory=utc_now)
    seconds: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **spans: float) -> None:
        self.now += timedelta(**spans)
        self.seconds += timedelta(**spans).total_seconds()

    def timer(self) -> float:
        """The same clock in seconds, in place of `time.monotonic`."""
        return self.seconds


@dataclass
class House:
    """Accounts with their services, and an app that uses them."""

    sign_in_needed: bool = True
    provider: IdentityProvider | None = None
    allow_new: bool = False
    edge: EdgeOptions = field(default_factory=EdgeOptions)
    clock: Clock = field(default_factory=Clock)
    users: MemoryUsers = field(default_factory=MemoryUsers)
    store: MemoryStore = field(default_factory=MemoryStore)
    set_up: int = 0

    def __post_init__(self) -> None:
        self.accounts = Accounts(self.users, OpenHasher(), self.clock, timer=self.clock.timer)
        self.authenticator = AccountAuthenticator(
            self.accounts, self.users, sign_in_needed=self.sign_in_needed, timer=self.clock.timer
        )

    def sign_in(self) -> SignIn:
        context = PageContext(
            self.accounts, self.edge.root_path, self.edge.sign_in_header, self._was_set_up
        )
        return SignIn(self.authenticator, context, self.provider, allow_new=self.allow_new)

    def app(self, **more: Any) -> FastAPI:
        return build_api(
            engine=ScriptedEngine(),
            edge=self.edge,
            presets=Presets(self.store),
            sign_in=self.sign_in(),
            hosting=hosting_of(self.store, clock=self.clock),
            **more,
        )

    async def add(self, name: str, role: AccountRole = AccountRole.MEMBER) -> str:
        """The token of a session of a new user; the first one is the administrator."""
        token = await self.accounts.one_time_links.set_up()
        if token is None:
            users = self.users.by_id.values()
            admin = next(user for user in users if user.role is AccountRole.ADMIN)
            token = await self.accounts.one_time_links.invite(admin, role)
        return await self.accounts.one_time_links.accept(
            token, name=name, password=PASSWORD, address="10.0.0.1", device="test"
        )

    def site(self, engine: ScriptedEngine | None = None) -> FastAPI:
        """The app with the whole page on it."""
        engine = engine or ScriptedEngine()
        generation = make_generation(engine)
        jobs = Jobs(generation=generation, store=self.store)
        self.completions = Completions(generation=generation)
        answers = Turns(engines=Engines(engine), store=self.store, jobs=jobs)
        self.conversations = Conversations(store=self.store, jobs=jobs)
        presets, ratings = Presets(self.store), unrated(self.store)
        part = hosting_of(self.store).participation
        dashboard = dashboard_of(self.store)
        services = Services(engine, answers, self.conversations, presets, ratings, part, dashboard)
        self.page = build_page(services, open_to_network=False)
        app = self.app(
            archives=self.conversations,
            handlers=event_names(self.page),
            completions=self.completions,
            ratings=ratings,
        )
        mount(app, self.page, root_path=self.edge.root_path)
        cover_mounted(app)
        return app

    def _was_set_up(self) -> None:
        self.set_up += 1


def client_of(
    app: ASGIApp, token: str | None = None, *, headers: Mapping[str, str] | None = None
) -> httpx.AsyncClient:
    """A client of the app, with a session's cookie."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False),
        base_url=HOME,
        timeout=30,
        headers=headers,
        cookies={"qwen_chat_session": token} if token else None,
    )
