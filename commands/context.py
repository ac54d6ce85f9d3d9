"""What all commands share: the accounts, who is meant by a name, and how a command is added."""

import argparse
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from api.ops.setup_link import base_addresses
from chat.accounts.access import is_admin, is_guest
from chat.accounts.models import AccountRole, User, name_key
from chat.accounts.sign_in import Accounts
from config import Settings

OPERATOR = User("", "command line", AccountRole.ADMIN, datetime(2020, 1, 1, tzinfo=UTC))
"""Who has the machine. The audit log knows it as the app itself."""


class Refused(Exception):
    """What was asked for cannot be done: one plain sentence."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """What a command works on."""

    accounts: Accounts
    settings: Settings

    async def named(self, name: str) -> User:
        """Who has that name. Raises Refused."""
        for user in await self.accounts.users(OPERATOR):
            if not is_guest(user) and name_key(user.name) == name_key(name):
                return user
        raise Refused(f"There is nobody named {name}. See: python app.py user list")

    async def first_admin(self) -> User:
        """Whose things are made that need an owner. Raises Refused."""
        for user in await self.accounts.users(OPERATOR):
            if is_admin(user) and not user.disabled:
                return user
        raise Refused("There is nobody yet. Begin with: python app.py user add NAME")

    def links(self, path: str) -> Sequence[str]:
        """A path of the app at each address that may reach it."""
        port, name = self.settings.port, socket.gethostname()
        return [
            f"{base}/{path}" for base in base_addresses(self.settings, port=port, machine_name=name)
        ]


Command = Callable[[CommandContext, argparse.Namespace], Awaitable[Sequence[str]]]
"""Does something; what it returns is printed, line by line."""

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""The commands of one thing."""


def add_command(group: Group, name: str, run: Command, what: str) -> argparse.ArgumentParser:
    """The parser of a new command of the group."""
    parser = group.add_parser(name, help=what, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser
