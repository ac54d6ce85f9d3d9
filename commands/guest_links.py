"""`python app.py guest-link …`: links for guests."""

import argparse
from collections.abc import Sequence

from chat.accounts.models import GuestLink
from chat.errors import NotFound
from commands.context import OPERATOR, CommandContext, Group, Refused, add_command

WHAT = "links for guests"


def add_commands(group: Group) -> None:
    making = add_command(group, "new", new, "make a link")
    making.add_argument("label", help="what it is for; guests do not see it")
    making.add_argument("--welcome", default="", help="what guests read when they open it")
    _add_limits(making)
    making.add_argument("--preset", help="id of the preset to begin with")
    extending = add_command(group, "extend", extend, "give a link new limits, from now on")
    extending.add_argument("id")
    _add_limits(extending)
    add_command(group, "list", list_links, "id, expiry, use and label of every link")
    add_command(group, "revoke", revoke, "close a link").add_argument("id")


def _add_limits(parser: argparse.ArgumentParser) -> None:
    for name, default, what in (
        ("--days", 7, "how long it is good for"),
        ("--guests", 20, "how many may come by it"),
        ("--messages", 100, "questions of each guest"),
        ("--tokens", 200_000, "tokens of each guest"),
    ):
        parser.add_argument(name, type=int, default=default, help=f"{what} ({default})")


async def new(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    _, token = await context.accounts.guests.add_link(
        await context.first_admin(),
        label=options.label,
        days=options.days,
        max_guests=options.guests,
        max_messages=options.messages,
        max_tokens=options.tokens,
        preset_id=options.preset,
        welcome=options.welcome,
    )
    return ["Guests come in at:", *context.links(f"guest#{token}")]


async def extend(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    try:
        link = await context.accounts.guests.extend_link(
            OPERATOR,
            options.id,
            days=options.days,
            max_guests=options.guests,
            max_messages=options.messages,
            max_tokens=options.tokens,
        )
    except NotFound:
        raise Refused(f"There is no guest link {options.id}, or it is revoked.") from None
    return [_line(link)]


async def list_links(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    return [_line(link) for link in await context.accounts.guests.links(OPERATOR)]


async def revoke(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    try:
        await context.accounts.guests.revoke_link(OPERATOR, options.id)
    except NotFound:
        raise Refused(f"There is no guest link {options.id}.") from None
    return ["Nobody comes in by it any more."]


def _line(link: GuestLink) -> str:
    state = "revoked" if link.revoked else f"until {link.expires_at:%Y-%m-%d %H:%M} UTC"
    used = f"{link.guests}/{link.max_guests} guests, {link.messages} messages, {link.tokens} tokens"
    return "\t".join((link.id, state, used, link.label))
