"""Shared by all commands: the accounts service, users by name, and adding a command."""

import argparse
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from api.ops.setup_link import base_addresses
from chat.accounts.access import first_admin, is_guest
from chat.accounts.models import AccountRole, User, name_key
from chat.accounts.service import Accounts
from config import Settings

OPERATOR = User("", "command line", AccountRole.ADMIN, datetime(2020, 1, 1, tzinfo=UTC))
"""The user of commands. Its empty id stands for the app itself in the audit log."""


class Refused(Exception):
    """The command cannot be done; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class CommandContext:
    """The services and settings of a command."""

    accounts: Accounts
    settings: Settings

    async def user_named(self, name: str) -> User:
        """The user of that name. Raises Refused."""
        for user in await self.accounts.users.list(OPERATOR):
            if not is_guest(user) and name_key(user.name) == name_key(name):
                return user
        raise Refused(f"There is nobody named {name}. See: python app.py user list")

    async def first_admin(self) -> User:
        """The default owner of new rows: the first active administrator. Raises Refused."""
        if admin := first_admin(await self.accounts.users.list(OPERATOR)):
            return admin
        raise Refused("There is nobody yet. Begin with: python app.py user add NAME")

    def links(self, path: str) -> Sequence[str]:
        """The URLs of a path at each address of the app."""
        port, name = self.settings.port, socket.gethostname()
        return [
            f"{base}/{path}" for base in base_addresses(self.settings, port=port, machine_name=name)
        ]


Command = Callable[[CommandContext, argparse.Namespace], Awaitable[Sequence[str]]]
"""A command; returns the lines to print."""

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
"""argparse's group of subcommands."""


def add_command(group: Group, name: str, run: Command, what: str) -> argparse.ArgumentParser:
    """Add a command to the group; returns its parser."""
    parser = group.add_parser(name, help=what, allow_abbrev=False)
    parser.set_defaults(run=run)
    return parser
