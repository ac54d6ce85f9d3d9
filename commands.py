"""People and guest links from the command line: `python app.py user …` and `guest-link …`.

The same accounts that the pages use, on the same database, also while the server runs: it believes
what it has read for two seconds at most. Who may run this owns the database, and may do everything.
"""

import argparse
import asyncio
import getpass
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from api.setup_link import SetupLink, base_addresses
from auth.passwords import Argon2Hasher
from chat.accounts import Accounts
from chat.errors import AppError, NotFound
from chat.people import GuestLink, Person, Rank, name_key
from config import Settings, SettingsError, read_settings
from store import open_store

OPERATOR = Person("", "command line", Rank.ADMIN, datetime(2020, 1, 1, tzinfo=UTC))
"""Who has the machine. The audit log knows it as the app itself."""


class Refused(Exception):
    """What was asked for cannot be done: one plain sentence."""


def main(arguments: Sequence[str]) -> int:
    """The command. Its exit code."""
    options, rest = _parser().parse_known_args(arguments)
    try:
        lines = asyncio.run(_run(options, read_settings(rest)))
    except (SettingsError, Refused) as error:
        sys.stderr.write(f"qwen-chat: {error}\n")
        return 1
    except AppError as error:
        sys.stderr.write(f"qwen-chat: {' '.join(str(error).split())}\n")
        return 1
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


async def _run(options: argparse.Namespace, settings: Settings) -> Sequence[str]:
    store = open_store(settings.data_dir, settings.database_url, beside=True)
    hasher = Argon2Hasher()
    await store.open()
    try:
        desk = Desk(Accounts(store.people, hasher), settings)
        lines: Sequence[str] = await options.run(desk, options)
        return lines
    finally:
        await store.close()
        hasher.close()


class Desk:
    """What each command does; what it returns is printed, line by line."""

    def __init__(self, accounts: Accounts, settings: Settings) -> None:
        self._accounts = accounts
        self._settings = settings

    # --- people -------------------------------------------------------------------------------

    async def add(self, options: argparse.Namespace) -> Sequence[str]:
        setup = await self._accounts.setup_token()
        rank = Rank.ADMIN if options.admin or setup else Rank.MEMBER
        token = setup or await self._accounts.invite(OPERATOR, rank)
        session = await self._accounts.accept_pass(
            token, name=options.name, password=_password(), address="", device="command line"
        )
        await self._accounts.sign_out(session)
        if setup:
            SetupLink(self._settings.data_dir, ()).remove()
        return [f"{options.name} can sign in now ({rank})."]

    async def list_people(self, options: argparse.Namespace) -> Sequence[str]:
        everybody = await self._accounts.people(OPERATOR)
        return [
            "\t".join((who.rank, "disabled" if who.disabled else "", who.name))
            for who in everybody
            if who.rank is not Rank.GUEST or options.guests
        ]

    async def rank(self, options: argparse.Namespace) -> Sequence[str]:
        someone, rank = await self._named(options.name), Rank(options.rank)
        person = await self._accounts.set_rank(OPERATOR, someone.id, rank)
        return [f"{person.name} is {person.rank} now."]

    async def reset(self, options: argparse.Namespace) -> Sequence[str]:
        token = await self._accounts.reset(OPERATOR, (await self._named(options.name)).id)
        return ["A new password is chosen, once, at:", *self._links(f"welcome#{token}")]

    async def disable(self, options: argparse.Namespace) -> Sequence[str]:
        person = await self._accounts.disable(OPERATOR, (await self._named(options.name)).id)
        return [f"{person.name} is shut out now."]

    async def enable(self, options: argparse.Namespace) -> Sequence[str]:
        person = await self._accounts.enable(OPERATOR, (await self._named(options.name)).id)
        return [f"{person.name} can sign in again."]

    # --- guest links --------------------------------------------------------------------------

    async def new_link(self, options: argparse.Namespace) -> Sequence[str]:
        _, token = await self._accounts.add_guest_link(
            await self._first_admin(),
            label=options.label,
            days=options.days,
            max_guests=options.guests,
            max_messages=options.messages,
            max_tokens=options.tokens,
            preset_id=options.preset,
        )
        return ["Guests come in at:", *self._links(f"guest#{token}")]

    async def list_links(self, options: argparse.Namespace) -> Sequence[str]:
        return [_line(link) for link in await self._accounts.guest_links(OPERATOR)]

    async def revoke_link(self, options: argparse.Namespace) -> Sequence[str]:
        try:
            await self._accounts.revoke_guest_link(OPERATOR, options.id)
        except NotFound:
            raise Refused(f"There is no guest link {options.id}.") from None
        return ["Nobody comes in by it any more."]

    # --- inside -------------------------------------------------------------------------------

    async def _named(self, name: str) -> Person:
        for person in await self._accounts.people(OPERATOR):
            if person.rank is not Rank.GUEST and name_key(person.name) == name_key(name):
                return person
        raise Refused(f"There is nobody named {name}. See: python app.py user list")

    async def _first_admin(self) -> Person:
        for person in await self._accounts.people(OPERATOR):
            if person.rank is Rank.ADMIN and not person.disabled:
                return person
        raise Refused("There is nobody yet. Begin with: python app.py user add NAME")

    def _links(self, path: str) -> Sequence[str]:
        port, name = self._settings.port, socket.gethostname()
        bases = base_addresses(self._settings, port=port, machine_name=name)
        return [f"{base}/{path}" for base in bases]


def _line(link: GuestLink) -> str:
    state = "revoked" if link.revoked else f"until {link.expires_at:%Y-%m-%d %H:%M} UTC"
    used = f"{link.guests}/{link.max_guests} guests, {link.messages} messages, {link.tokens} tokens"
    return "\t".join((link.id, state, used, link.label))


def _password() -> str:
    """Typed twice, or a line of standard input where nobody can type."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise Refused("The two are not the same.")
    return password


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python app.py",
        description="Further flags are settings of the app: --data-dir, --database-url, --host …",
        allow_abbrev=False,
    )
    things = parser.add_subparsers(required=True)
    user = things.add_parser("user", help="people with an account").add_subparsers(required=True)
    add = _command(user, "add", Desk.add, "make an account; the first is the administrator's")
    add.add_argument("name")
    add.add_argument("--admin", action="store_true", help="as an administrator")
    listing = _command(user, "list", Desk.list_people, "rank, state and name of everybody")
    listing.add_argument("--guests", action="store_true", help="guests too")
    ranking = _command(user, "rank", Desk.rank, "make somebody an administrator or a member")
    ranking.add_argument("name")
    ranking.add_argument("rank", choices=(Rank.ADMIN.value, Rank.MEMBER.value))
    _command(user, "reset", Desk.reset, "a link to choose a new password").add_argument("name")
    _command(user, "disable", Desk.disable, "shut somebody out").add_argument("name")
    _command(user, "enable", Desk.enable, "let somebody in again").add_argument("name")
    link = things.add_parser("guest-link", help="links for guests").add_subparsers(required=True)
    new = _command(link, "new", Desk.new_link, "make a link")
    new.add_argument("label", help="what it is for")
    for name, default, what in (
        ("--days", 7, "how long it is good for"),
        ("--guests", 20, "how many may come by it"),
        ("--messages", 100, "questions of each guest"),
        ("--tokens", 200_000, "tokens of each guest"),
    ):
        new.add_argument(name, type=int, default=default, help=f"{what} ({default})")
    new.add_argument("--preset", help="id of the preset to begin with")
    _command(link, "list", Desk.list_links, "id, expiry, use and label of every link")
    _command(link, "revoke", Desk.revoke_link, "close a link").add_argument("id")
    return parser


def _command(group: object, name: str, run: object, what: str) -> argparse.ArgumentParser:
    assert isinstance(group, argparse._SubParsersAction)
    parser = group.add_parser(name, help=what, allow_abbrev=False)
    parser.set_defaults(run=run)
    assert isinstance(parser, argparse.ArgumentParser)
    return parser
