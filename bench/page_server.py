"""The page on a scripted engine in a process of its own, with accounts in a SQLite database.

`python bench/page_server.py USERS` writes one line of JSON, the port and a session's token for
each user, and serves until it is stopped. The code that is served is that of PYTHONPATH.
"""

import asyncio
import json
import socket
import sys
import tempfile
from pathlib import Path

import uvicorn

from api.accounts.routes import PageContext
from api.edge.listeners import BACKLOG
from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.ops.metrics import Metrics
from api.server import SignIn
from app import build_site
from chat.accounts.authentication import AccountAuthenticator
from chat.accounts.models import AccountRole, SignedIn
from chat.accounts.service import Accounts
from chat.serving.engines import Engines
from config import Settings, read_settings
from parts import build_parts
from store import RoutingStore, open_store
from tests.fakes import Script, ScriptedEngine
from tests.memory_users import OpenHasher

PIECES = ("word ",) * 100
STEP_S = 0.05
"""Twenty tokens a second, for five seconds."""

PLACES = 256
PASSWORD = "correct horse battery"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(serve(Path(folder), int(sys.argv[1])))


async def serve(folder: Path, users: int) -> None:
    """Serve `users` accounts that are signed in."""
    settings = settings_in(folder)
    store = open_store(folder, None)
    await store.open()
    script = Script(PIECES, step_s=STEP_S)
    engine = ScriptedEngine([script], context_length=1_000_000, max_concurrent=PLACES)
    metrics = Metrics()
    parts = build_parts(settings, Engines(engine), store, metrics)
    await parts.presets.ship()
    edge = EdgeOptions.from_settings(settings, machine_name="bench")
    sign_in, tokens = await accounts(store, users)
    site = build_site(settings, parts, edge, sign_in, metrics)
    config = server_config(site, edge=edge, shutdown_s=1)
    with socket.create_server(("127.0.0.1", 0), backlog=BACKLOG) as listener:
        ready = {"port": listener.getsockname()[1], "tokens": tokens}
        print(json.dumps(ready), flush=True)
        await uvicorn.Server(config).serve([listener])


def settings_in(folder: Path) -> Settings:
    """Room for all users at once."""
    bounds = ["--requests-per-minute", "0", "--address-requests-per-minute", "0"]
    places = ["--max-concurrent", f"{PLACES}", "--queue-size", "1000"]
    return read_settings(["--data-dir", str(folder), *bounds, *places], {})


async def accounts(store: RoutingStore, users: int) -> tuple[SignIn, list[str]]:
    """The sign-in services, and a session token for each of `users` users."""
    service = Accounts(store.accounts, OpenHasher())
    authenticator = AccountAuthenticator(service, store.accounts, sign_in_needed=True)
    tokens: list[str] = []
    admin: SignedIn | None = None
    for number in range(users):
        if admin is None:
            link = await service.one_time_links.set_up() or ""
        else:
            link = await service.one_time_links.invite(admin.user, AccountRole.MEMBER)
        tokens.append(
            await service.one_time_links.accept(
                link, name=f"user{number}", password=PASSWORD, address="", device="bench"
            )
        )
        admin = admin or await service.sessions.find(tokens[0])
    context = PageContext(service, "", None, lambda: None)
    return SignIn(authenticator, context, None, allow_new=False), tokens


if __name__ == "__main__":
    main()
