"""`python app.py user …`: people with an account."""

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
    listing = add_command(group, "list", list_people, "rank, state and name of everybody")
    listing.add_argument("--guests", action="store_true", help="guests too")
    ranking = add_command(group, "rank", rank, "make somebody an administrator or a member")
    ranking.add_argument("name")
    ranking.add_argument("rank", choices=(AccountRole.ADMIN.value, AccountRole.MEMBER.value))
    add_command(group, "reset", reset, "a link to choose a new password").add_argument("name")
    add_command(group, "disable", disable, "shut somebody out").add_argument("name")
    add_command(group, "enable", enable, "let somebody in again").add_argument("name")


async def add(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    accounts = context.accounts
    setup = await accounts.setup_token()
    rank = AccountRole.ADMIN if options.admin or setup else AccountRole.MEMBER
    token = setup or await accounts.invite(OPERATOR, rank)
    session = await accounts.accept_one_time_link(
        token, name=options.name, password=_password(), address="", device="command line"
    )
    await accounts.sign_out(session)
    if setup:
        SetupLink(context.settings.data_dir, ()).remove()
    return [f"{options.name} can sign in now ({rank})."]


async def list_people(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    return [
        "\t".join((who.role, "disabled" if who.disabled else "", who.name))
        for who in await context.accounts.users(OPERATOR)
        if not is_guest(who) or options.guests
    ]


async def rank(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    someone = await context.named(options.name)
    user = await context.accounts.set_role(OPERATOR, someone.id, AccountRole(options.rank))
    return [f"{user.name} is {user.role} now."]


async def reset(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    token = await context.accounts.reset(OPERATOR, (await context.named(options.name)).id)
    return ["A new password is chosen, once, at:", *context.links(f"welcome#{token}")]


async def disable(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    user = await context.accounts.disable(OPERATOR, (await context.named(options.name)).id)
    return [f"{user.name} is shut out now."]


async def enable(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    user = await context.accounts.enable(OPERATOR, (await context.named(options.name)).id)
    return [f"{user.name} can sign in again."]


def _password() -> str:
    """Typed twice, or a line of standard input where nobody can type."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("Once more: "):
        raise Refused("The two are not the same.")
    return password
