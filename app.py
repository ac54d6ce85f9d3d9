"""Qwen Chat's entry point: reads settings, builds the services and the ASGI app, runs uvicorn.

Run it with `python app.py`, or with `./start.sh`, which creates the environment first; `--help`
explains the settings. The page is served at once; the model is loaded in the background.
"""

import sys
from importlib.util import find_spec

if sys.version_info < (3, 11):  # noqa: UP036 - a clear message instead of a failing import
    sys.exit("qwen-chat: this is Python {}.{}; 3.11 or newer is needed.".format(*sys.version_info))
if find_spec("uvicorn") is None:
    sys.exit("qwen-chat: the environment is missing here. Run ./start.sh, which makes it.")

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import uvicorn
from starlette.types import ASGIApp

import commands
from api.accounts.routes import PageContext
from api.edge.listeners import listen
from api.edge.options import EdgeOptions
from api.edge.uvicorn import server_config
from api.ops.alarm import LoopAlarm
from api.ops.metrics import Metrics
from api.ops.minimum_versions import check_minimum_versions
from api.ops.setup_link import SetupLink, base_addresses
from api.public_address import PublicAddress
from api.server import SignIn, build_api, cover_mounted
from chat.accounts.authentication import AccountAuthenticator
from chat.accounts.ports import AccountStore
from chat.accounts.service import Accounts
from chat.accounts.sso import IdentityProvider
from chat.errors import AppError, StartupError, StoreFailed
from chat.maintenance import Maintenance
from chat.serving.engines import Engines
from chat.serving.models import Phase
from chat.serving.watchdog import until_lost
from commands import export, replay
from config import Settings, SettingsError, is_loopback, read_settings
from loading import LoadProgress, announce, build_engines, check_model, load, load_engine
from logs import LogError, set_up_logging
from parts import Parts, build_parts
from store import RoutingStore, open_store

log = logging.getLogger("qwen_chat")

RESTART_CODE = 75
"""Exit code (EX_TEMPFAIL) that asks a supervisor for a new process: the engine was lost."""

NOTICE_POLL_S = 0.1

ALARM_EVERY_S = 1.0
ALARM_MARGIN_S = 5.0
"""Beyond the stall time-out: an engine that hangs without Python's lock is found by then."""

CLOSE_CONNECTIONS_S = 2
"""Time that open connections get at shutdown: a tab keeps its event stream open for ever."""


@dataclass(frozen=True, slots=True)
class ShutdownTimes:
    """How long the app says that it stops, and how long answers may then go on; in seconds."""

    notice_s: float
    grace_s: float


class Alarm(Protocol):
    """Ends the process unless it is set again and again."""

    def set(self) -> None: ...
    def clear(self) -> None: ...


class Server(uvicorn.Server):
    """uvicorn's server; loads the model after start-up and drains answers before shutdown."""

    def __init__(
        self,
        config: uvicorn.Config,
        parts: Parts,
        maintenance: Maintenance,
        *,
        load_progress: LoadProgress,
        times: ShutdownTimes,
        alarm: Alarm | None = None,
    ) -> None:
        super().__init__(config)
        self._parts = parts
        self._maintenance = maintenance
        self._load_progress = load_progress
        self._times = times
        self._alarm = alarm
        self._tasks: list[asyncio.Task[None]] = []
        self.startup_error: BaseException | None = None
        self.engine_lost = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        jobs = (self._load, self._maintenance.run, self._watch, self._set_alarm)
        self._tasks = [asyncio.create_task(job()) for job in jobs]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Here, not after serve(): uvicorn raises the signal again at the end of serve().
        for task in self._tasks:
            task.cancel()
        await self._give_notice()
        draining = asyncio.create_task(self._parts.drain(self._times.grace_s))
        while not (draining.done() or self.force_exit):
            await asyncio.wait({draining}, timeout=0.1)
        # uvicorn logs an error for each connection that it closes now, although that is intended.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        await super().shutdown(sockets)
        await self._parts.engines.stop()
        with suppress(StoreFailed):  # logged by the store; deleted conversations stay hidden
            await self._parts.conversations.purge()
        await self._parts.store.close()
        log.info("stopped")

    async def _give_notice(self) -> None:
        """Not ready first: load balancers send no more requests, and no request is refused.

        Where nothing has asked `/readyz`, there is nothing to wait for.
        """
        readiness = self._parts.readiness
        readiness.drain()
        ends_at = asyncio.get_running_loop().time() + self._times.notice_s
        while readiness.is_watched and asyncio.get_running_loop().time() < ends_at:
            if self.force_exit or self.engine_lost:
                return
            await asyncio.sleep(NOTICE_POLL_S)

    async def _watch(self) -> None:
        """End the app when the engine cannot answer any more."""
        engines = self._parts.engines
        reason = await until_lost([engines.first, *([engines.second] if engines.second else [])])
        log.error("the engine is lost (%s): the app ends, to be started again", reason)
        self.engine_lost = self.should_exit = True

    async def _set_alarm(self) -> None:
        """Let the kernel end the process should this loop not run any more.

        Only once the engine has served: imports and loading keep Python's lock for long.
        """
        if self._alarm is None:
            return
        try:
            while True:
                if self._parts.engines.first.state.phase is Phase.READY:
                    self._alarm.set()
                await asyncio.sleep(ALARM_EVERY_S)
        finally:
            self._alarm.clear()

    async def _load(self) -> None:
        """Load the model; a failure ends the app."""
        try:
            await load(self._parts.engines.first, self._load_progress)
        except Exception as error:  # noqa: BLE001 - top of a task: `run` raises it
            self.startup_error = error
            self.should_exit = True


def build_maintenance(settings: Settings, parts: Parts, account_store: AccountStore) -> Maintenance:
    """The maintenance jobs, such as retention."""
    keep = timedelta(days=settings.retention_days) if settings.retention_days else None
    return Maintenance(
        parts.jobs,
        account_store,
        programs=(parts.completions, parts.runs),
        keep=keep,
        destroy_due=parts.campaigns.destroy_due,
        sweeps={"trash": parts.conversations.purge_trash, "shares": parts.shares.purge},
        background=parts.background,
    )


async def build_sign_in(settings: Settings, account_store: AccountStore, link: SetupLink) -> SignIn:
    """Authentication and account routes. Shows the set-up link if there are no accounts yet.

    Raises StartupError for --insecure-open once there are accounts.
    """
    from auth.passwords import Argon2Hasher  # noqa: PLC0415 - after the quick refusals

    accounts = Accounts(account_store, Argon2Hasher())
    provider = build_provider(settings)
    elsewhere = provider or settings.sign_in_header
    is_open = settings.insecure_open or is_loopback(settings.host)
    sign_in_needed = bool(elsewhere) or not is_open
    authenticator = AccountAuthenticator(accounts, account_store, sign_in_needed)

    def set_up() -> None:
        link.remove()
        authenticator.invalidate()

    if await authenticator.has_users():
        link.remove()
        if settings.insecure_open:
            raise StartupError("There are accounts: start without --insecure-open.")
    elif sign_in_needed:
        offer(link, await accounts.one_time_links.set_up() or "")
    address = PublicAddress.from_settings(settings, socket.gethostname())
    context = PageContext(accounts, settings.root_path, settings.sign_in_header, set_up, address)
    return SignIn(authenticator, context, provider, allow_new=settings.oidc_allow_new)


def build_provider(settings: Settings) -> IdentityProvider | None:
    """The OpenID provider, if one is configured."""
    from auth.oidc import OpenIdProvider  # noqa: PLC0415 - seldom needed

    if settings.oidc_issuer is None:
        return None
    return OpenIdProvider(
        settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret
    )


def offer(link: SetupLink, token: str) -> None:
    """Show the set-up link on the terminal, or write it to a private file; never to the log."""
    if sys.stderr.isatty():
        link.remove()
        sys.stderr.write(f"Set up the administrator's account, once, at:\n{link.lines(token)}")
    else:
        announce(f"To set up the administrator's account, open the link in {link.write(token)}.")


def build_site(
    settings: Settings, parts: Parts, edge: EdgeOptions, sign_in: SignIn, metrics: Metrics
) -> ASGIApp:
    """The ASGI app: API and page. Imports Gradio, which takes seconds."""
    from ui.gradio_adapter.mount import event_names, mount  # noqa: PLC0415 - after the quick refusals
    from ui.page import build_page  # noqa: PLC0415
    from ui.services import Services  # noqa: PLC0415

    services = Services(
        parts.engines.first,
        parts.answers,
        parts.conversations,
        parts.presets,
        parts.ratings,
        parts.participation,
        parts.dashboard,
        sharing=parts.shares.enabled,
    )
    open_to_network = settings.insecure_open and not is_loopback(settings.host)
    page = build_page(services, open_to_network=open_to_network)
    api = build_api(
        api_strict=settings.api_strict,
        engine=parts.engines.first,
        edge=edge,
        archives=parts.conversations,
        presets=parts.presets,
        shares=parts.shares,
        sign_in=sign_in,
        handlers=event_names(page),
        metrics=metrics,
        completions=parts.completions,
        ratings=parts.ratings,
        hosting=parts.hosting,
        readiness=parts.readiness,
    )
    mount(api, page, root_path=settings.root_path)
    cover_mounted(api)
    return api


def build_server(
    settings: Settings,
    parts: Parts,
    config: uvicorn.Config,
    account_store: AccountStore,
    load_progress: LoadProgress,
) -> Server:
    """The server. Its alarm rings later than the engine's stall time-out."""
    return Server(
        config,
        parts,
        build_maintenance(settings, parts, account_store),
        load_progress=load_progress,
        times=ShutdownTimes(settings.shutdown_notice_s, settings.shutdown_grace_s),
        alarm=LoopAlarm(settings.stall_timeout_s + ALARM_MARGIN_S),
    )


async def build_store(settings: Settings) -> RoutingStore:
    """The open store; answers that the last stop interrupted are marked. Raises StartupError."""
    store = open_store(settings.data_dir, settings.database_url)
    await store.open()
    if interrupted := await store.interrupt_unfinished():
        log.warning("answers cut off by the last stop, their text kept: %d", interrupted)
    return store


EnginesBuilder = Callable[[Settings, LoadProgress], Engines]


async def run(settings: Settings, build: EnginesBuilder = build_engines) -> int:
    """Serve until stopped by a signal; return the exit code. Raises StartupError.

    `build` makes the engines, which are loaded later.
    """
    check_minimum_versions()
    check_model(settings)  # before the page is imported, which takes seconds
    listeners = listen(settings.host, settings.port)
    try:
        load_progress = LoadProgress()
        engines = build(settings, load_progress)
        store = await build_store(settings)
        metrics = Metrics()
        parts = build_parts(settings, engines, store, metrics)
        await parts.conversations.purge()
        await parts.presets.ship()
        machine, port = socket.gethostname(), listeners[0].getsockname()[1]
        edge = EdgeOptions.from_settings(settings, machine_name=machine)
        addresses = base_addresses(settings, port=port, machine_name=machine)
        sign_in = await build_sign_in(
            settings, store.accounts, SetupLink(settings.data_dir, addresses)
        )
        site = build_site(settings, parts, edge, sign_in, metrics)
        config = server_config(site, edge=edge, shutdown_s=CLOSE_CONNECTIONS_S)
        server = build_server(settings, parts, config, store.accounts, load_progress)
        announce(f"Qwen Chat is at {addresses[0]} (the model is being loaded). Ctrl+C stops it.")
        if settings.insecure_open and not is_loopback(settings.host):
            announce("WARNING: everybody who can reach this address can read and write all chats.")
        await server.serve(sockets=list(listeners))
    finally:
        for listener in listeners:
            listener.close()
    if server.startup_error:
        raise server.startup_error
    return RESTART_CODE if server.engine_lost else 0


def main(build: EnginesBuilder = build_engines) -> int:
    """The command. Its exit code."""
    # A shell starts background jobs with SIGINT ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # of the alarm; it may be inherited as ignored
    os.umask(0o077)  # files of the app are readable by its own user only
    match sys.argv[1:2]:
        case ["export"]:
            return export.main(sys.argv[2:])
        case ["replay"]:
            return replay.main(sys.argv[2:], load_engine)
        case [thing] if thing in commands.THINGS:
            return commands.main(sys.argv[1:])
    return serve(build)


def serve(build: EnginesBuilder) -> int:
    """Run the app with these engines. Its exit code."""
    try:
        settings = read_settings()
        set_up_logging(settings.log_file, settings.log_format)
    except (SettingsError, LogError) as error:
        sys.stderr.write(f"qwen-chat: {error}\n")
        return 1
    try:
        code = asyncio.run(run(settings, build))
    except KeyboardInterrupt:
        return 130
    except AppError as error:
        log.error("%s", error)
        return 1
    except Exception:  # unexpected: a short message on the terminal, the traceback in the log
        log.exception("the app ended unexpectedly; %s has the details", settings.log_file)
        return 1
    if code == RESTART_CODE:
        # A thread that hangs in native code would keep the interpreter from ending.
        logging.shutdown()
        os._exit(code)
    return code


if __name__ == "__main__":
    sys.exit(main())
