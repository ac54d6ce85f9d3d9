"""Qwen Chat: settings → parts → one ASGI app → uvicorn. The only file that knows all parts.

Run it with `python app.py`, or `./start.sh`, which makes the environment first; `--help` explains
the settings. The page answers at once; the model is fetched and loaded behind it.
"""

import sys
from importlib.util import find_spec

if sys.version_info < (3, 11):  # noqa: UP036 - said in words before an import fails without them
    sys.exit("qwen-chat: this is Python {}.{}; 3.11 or newer is needed.".format(*sys.version_info))
if find_spec("uvicorn") is None:
    sys.exit("qwen-chat: the environment is missing here. Run ./start.sh, which makes it.")

import asyncio
import logging
import os
import signal
import socket
from contextlib import suppress
from datetime import timedelta

import uvicorn
from starlette.types import ASGIApp

import commands
from api.accounts.routes import PageContext
from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.ops.metrics import Metrics
from api.ops.minimum_versions import check_floors
from api.ops.setup_link import SetupLink, base_addresses
from api.server import SignIn, build_api, cover_mounted
from chat.accounts.authentication import AccountAuthenticator
from chat.accounts.ports import AccountStore
from chat.accounts.sign_in import Accounts
from chat.accounts.sso import IdentityProvider
from chat.errors import AppError, StartupError, StoreFailed
from chat.maintenance import Maintenance
from commands import export, replay
from config import Settings, SettingsError, is_loopback, read_settings
from loading import LoadProgress, build_engines, load, load_engine, say
from logs import LogError, set_up_logging
from parts import Parts, build_parts
from store import RoutingStore, open_store

log = logging.getLogger("qwen_chat")

CLOSE_CONNECTIONS_S = 2
"""Open tabs keep a connection for ever; after the answers are saved they are cut."""

BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn that loads the model once the page is up, and lets answers finish before it goes."""

    def __init__(
        self,
        config: uvicorn.Config,
        parts: Parts,
        maintenance: Maintenance,
        *,
        teller: LoadProgress,
        grace_s: float,
    ) -> None:
        super().__init__(config)
        self._parts = parts
        self._upkeep = maintenance
        self._teller = teller
        self._grace_s = grace_s
        self._tasks: list[asyncio.Task[None]] = []
        self.startup_error: BaseException | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tasks = [asyncio.create_task(do()) for do in (self._load, self._upkeep.run)]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Here, not after serve(): uvicorn raises the signal again at the end of serve().
        for task in self._tasks:
            task.cancel()
        draining = asyncio.create_task(self._parts.drain(self._grace_s))
        while not (draining.done() or self.force_exit):
            await asyncio.wait({draining}, timeout=0.1)
        # Tabs that are open are cut now. That is meant, but uvicorn would call each one an error.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
        await self._parts.engines.stop()
        with suppress(StoreFailed):  # said by the store; what is deleted stays hidden
            await self._parts.conversations.purge()
        await self._parts.store.close()
        log.info("stopped")

    async def _load(self) -> None:
        """Without a model the app is of no use, so a failure ends it."""
        try:
            await load(self._parts.engines.first, self._teller)
        except Exception as error:  # noqa: BLE001 - the top of a task: main() tells what happened
            self.startup_error = error
            self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A bound socket. Raises StartupError when the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except PermissionError:
        raise StartupError(
            f"Port {port} may not be opened by this user. Choose one above 1023 with --port."
        ) from None
    except OSError as error:
        raise StartupError(
            f"Port {port} on {host} cannot be opened: {os.strerror(error.errno or 0)}. "
            f"Stop the program that uses it, or choose another with --port."
        ) from None


def build_upkeep(settings: Settings, parts: Parts, people: AccountStore) -> Maintenance:
    """What the app does by itself."""
    keep = timedelta(days=settings.retention_days) if settings.retention_days else None
    return Maintenance(
        parts.jobs,
        people,
        programs=(parts.completions, parts.replays),
        keep=keep,
        destroy_due=parts.campaigns.destroy_due,
    )


async def build_people(settings: Settings, kept: AccountStore, link: SetupLink) -> SignIn:
    """Who comes in, and how. Offers the set-up link where nobody can sign in yet.

    Raises StartupError when everybody is to be let in to the chats of people with accounts.
    """
    from auth.passwords import Argon2Hasher  # noqa: PLC0415 - after the quick refusals

    accounts = Accounts(kept, Argon2Hasher())
    provider = build_provider(settings)
    elsewhere = provider or settings.sign_in_header
    open_door = settings.insecure_open or is_loopback(settings.host)
    sign_in_needed = bool(elsewhere) or not open_door
    authenticator = AccountAuthenticator(accounts, kept, sign_in_needed)

    def set_up() -> None:
        link.remove()
        authenticator.invalidate()

    if await authenticator.has_users():
        link.remove()
        if settings.insecure_open:
            raise StartupError("There are accounts: start without --insecure-open.")
    elif sign_in_needed:
        offer(link, await accounts.setup_token() or "")
    context = PageContext(accounts, settings.root_path, settings.sign_in_header, set_up)
    return SignIn(authenticator, context, provider, allow_new=settings.oidc_allow_new)


def build_provider(settings: Settings) -> IdentityProvider | None:
    """The OpenID provider that people may sign in with, if one is set."""
    from auth.oidc import OpenIdProvider  # noqa: PLC0415 - seldom needed

    if settings.oidc_issuer is None:
        return None
    return OpenIdProvider(
        settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    )


def offer(link: SetupLink, token: str) -> None:
    """Show the set-up link to whoever started the app, and to nobody else: not to the log."""
    if sys.stderr.isatty():
        link.remove()
        sys.stderr.write(f"Set up the administrator's account, once, at:\n{link.lines(token)}")
    else:
        say(f"To set up the administrator's account, open the link in {link.write(token)}.")


def build_site(
    settings: Settings, parts: Parts, edge: EdgeOptions, people: SignIn, metrics: Metrics
) -> ASGIApp:
    """The ASGI app: edge, operations and page. Imports Gradio, which takes seconds."""
    from ui.mount import event_names, mount  # noqa: PLC0415 - after the quick refusals
    from ui.page import build_page  # noqa: PLC0415
    from ui.services import Services  # noqa: PLC0415

    services = Services(
        parts.engines.first,
        parts.answers,
        parts.conversations,
        parts.presets,
        parts.ratings,
        parts.participation,
        parts.figures,
    )
    open_to_network = settings.insecure_open and not is_loopback(settings.host)
    page = build_page(services, open_to_network=open_to_network)
    api = build_api(
        engine=parts.engines.first,
        edge=edge,
        archives=parts.conversations,
        presets=parts.presets,
        people=people,
        handlers=event_names(page),
        metrics=metrics,
        completions=parts.completions,
        ratings=parts.ratings,
        hosting=parts.hosting,
    )
    mount(api, page, root_path=settings.root_path)
    cover_mounted(api)
    return api


async def build_store(settings: Settings) -> RoutingStore:
    """The store, open, with no answer being written. Raises StartupError."""
    store = open_store(settings.data_dir, settings.database_url)
    await store.open()
    if interrupted := await store.interrupt_unfinished():
        log.warning("answers cut off by the last stop, their text kept: %d", interrupted)
    return store


async def run(settings: Settings) -> None:
    """Serve until told to stop. Raises StartupError."""
    check_floors()
    listener = listen(settings.host, settings.port)
    try:
        teller = LoadProgress()
        engines = build_engines(settings, teller)
        store = await build_store(settings)
        metrics = Metrics()
        parts = build_parts(settings, engines, store, metrics)
        await parts.conversations.purge()
        await parts.presets.ship()
        machine, port = socket.gethostname(), listener.getsockname()[1]
        edge = EdgeOptions.from_settings(settings, machine_name=machine)
        addresses = base_addresses(settings, port=port, machine_name=machine)
        people = await build_people(settings, store.people, SetupLink(settings.data_dir, addresses))
        site = build_site(settings, parts, edge, people, metrics)
        config = server_config(site, edge=edge, shutdown_s=CLOSE_CONNECTIONS_S)
        maintenance = build_upkeep(settings, parts, store.people)
        server = Server(
            config, parts, maintenance, teller=teller, grace_s=settings.shutdown_grace_s
        )
        say(f"Qwen Chat is at {addresses[0]} (the model is being loaded). Ctrl+C stops it.")
        if settings.insecure_open and not is_loopback(settings.host):
            say("WARNING: everybody who can reach this address can read and write all chats.")
        await server.serve(sockets=[listener])
    finally:
        listener.close()
    if server.startup_error:
        raise server.startup_error


def main() -> int:
    """The command. Its exit code."""
    # A shell starts background jobs with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.umask(0o077)  # what people wrote is for the user who runs this
    match sys.argv[1:2]:
        case ["export"]:
            return export.main(sys.argv[2:])
        case ["replay"]:
            return replay.main(sys.argv[2:], load_engine)
        case [thing] if thing in commands.THINGS:
            return commands.main(sys.argv[1:])
    return serve()


def serve() -> int:
    """Run the app. Its exit code."""
    try:
        settings = read_settings()
        set_up_logging(settings.log_file, settings.log_format)
    except (SettingsError, LogError) as error:
        sys.stderr.write(f"qwen-chat: {error}\n")
        return 1
    try:
        asyncio.run(run(settings))
    except KeyboardInterrupt:
        return 130
    except AppError as error:
        log.error("%s", error)
        return 1
    except Exception:  # the last line of defence: a sentence here, the traceback in the log
        log.exception("the app ended unexpectedly; %s has the details", settings.log_file)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
