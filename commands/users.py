"""`python app.py user …`: accounts."""

import argparse
import getpass
import sys
from collections.abc import Sequence

from api.ops.setup_link import SetupLink
from chat.accounts.access import is_guest
from chat.accounts.models import AccountRole
from commands.context import OPERATOR, CommandContext, Group, Refused, add_command

WHAT = "people with an account"


def add_commands(group: Group) -> None:
    new = add_command(group, "add", add, "make an account; the first is the administrator's")
    new.add_argument("name")
    new.add_argument("--admin", action="store_true", help="as an administrator")
    listing = add_command(group, "list", list_users, "rank, state and name of everybody")
    listing.add_argument("--guests", action="store_true", help="guests too")
    role = add_command(group, "rank", set_role, "make somebody an administrator or a member")
    role.add_argument("name")
    role.add_argument("rank", choices=(AccountRole.ADMIN.value, AccountRole.MEMBER.value))
    add_command(group, "reset", reset, "a link to choose a new password").add_argument("name")
    add_command(group, "disable", disable, "shut somebody out").add_argument("name")
    add_command(group, "enable", enable, "let somebody in again").add_argument("name")


async def add(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    accounts = context.accounts
    setup = await accounts.one_time_links.set_up()
    role = AccountRole.ADMIN if options.admin or setup else AccountRole.MEMBER
    token = setup or await accounts.one_time_links.invite(OPERATOR, role)
    session = await accounts.one_time_links.accept(
        token, name=options.name, password=_password(), address="", device="command line"
    )
    await accounts.sessions.sign_out(session)
    if setup:
        SetupLink(context.settings.data_dir, ()).remove()
    return [f"{options.name} can sign in now ({role})."]


async def list_users(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    return [
        "\t".join((user.role, "disabled" if user.disabled else "", user.name))
        for user in await context.accounts.users.list(OPERATOR)
        if not is_guest(user) or options.guests
    ]


async def set_role(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    user_id = (await context.user_named(options.name)).id
    user = await context.accounts.users.set_role(OPERATOR, user_id, AccountRole(options.rank))
    return [f"{user.name} is {user.role} now."]


async def reset(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    token = await context.accounts.one_time_links.reset(
        OPERATOR, (await context.user_named(options.name)).id
    )
    return ["A new password is chosen, once, at:", *context.links(f"welcome#{token}")]


async def disable(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    user = await context.accounts.users.disable(
        OPERATOR, (await context.user_named(options.name)).id
    )
    return [f"{user.name} is shut out now."]


async def enable(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    user = await context.accounts.users.enable(
        OPERATOR, (await context.user_named(options.name)).id
    )
    return [f"{user.name} can sign in again."]


def _password() -> str:
    """The password: typed twice, or a line of standard input if that is no terminal."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise Refused("The two are not the same.")
    return password
