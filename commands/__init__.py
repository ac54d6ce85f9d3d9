"""Users, guest links and keys from the command line: `python app.py user|guest-link|key …`.

They use the pages' services on the same database, also while the server runs: it caches sessions
for two seconds at most. Whoever runs them has access to the database, so there are no permissions.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence

from auth.passwords import Argon2Hasher
from chat.accounts.service import Accounts
from chat.errors import AppError
from commands import guest_links, keys, users
from commands.context import CommandContext, Refused
from config import Settings, SettingsError, read_settings
from store import open_store

THINGS = ("user", "guest-link", "key")
"""The first words of these commands; other arguments are for the app."""


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
        context = CommandContext(Accounts(store.accounts, hasher), settings)
        lines: Sequence[str] = await options.run(context, options)
        return lines
    finally:
        await store.close()
        hasher.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python app.py",
        description="Further flags are settings of the app: --data-dir, --database-url, --host …",
        allow_abbrev=False,
    )
    things = parser.add_subparsers(required=True)
    for name, room in zip(THINGS, (users, guest_links, keys), strict=True):
        room.add_commands(things.add_parser(name, help=room.WHAT).add_subparsers(required=True))
    return parser
