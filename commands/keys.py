"""`python app.py key …`: API keys of programs."""

import argparse
import re
from collections.abc import Sequence
from datetime import datetime

from chat.accounts.models import ApiKey, KeyScope, utc_now
from chat.errors import NotFound
from commands.context import OPERATOR, CommandContext, Group, Refused, add_command

WHAT = "API keys"

NO_ACCOUNTS = (
    "There are no accounts: on an address that only this machine reaches, programs need no key and "
    "any is accepted. For keys, begin with: python app.py user add NAME"
)


def add_commands(group: Group) -> None:
    making = add_command(group, "new", new, "make a key; it is printed once, on the last line")
    making.add_argument("name", help="what it is for")
    making.add_argument("--user", help="whose it is (the first administrator's)")
    making.add_argument(
        "--scope", type=_scopes, default={KeyScope.API}, help="api, metrics or api,metrics (api)"
    )
    making.add_argument("--expires", type=_days, metavar="90d", help="in so many days (never)")
    for name in ("--requests-per-minute", "--tokens-per-day"):
        making.add_argument(name, type=int, metavar="N", help="of this key alone (no bound)")
    add_command(group, "list", list_keys, "id, state, beginning, owner, scopes and name of all")
    add_command(group, "revoke", revoke, "close a key for good").add_argument("id")


async def new(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    if not await context.accounts.users.list(OPERATOR):
        raise Refused(NO_ACCOUNTS)
    user = await (context.user_named(options.user) if options.user else context.first_admin())
    _, secret = await context.accounts.keys.add(
        OPERATOR,
        for_user=user,
        name=options.name,
        scopes=options.scope,
        days=options.expires,
        requests_per_minute=options.requests_per_minute,
        tokens_per_day=options.tokens_per_day,
    )
    return [f"A key of {user.name}, shown only this once:", secret]


async def list_keys(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    names = {user.id: user.name for user in await context.accounts.users.list(OPERATOR)}
    now = utc_now()
    return [
        "\t".join(
            (key.id, _state(key, now), f"{key.prefix}…", names[key.owner_id], _opens(key), key.name)
        )
        for key in await context.accounts.keys.list(OPERATOR)
    ]


async def revoke(context: CommandContext, options: argparse.Namespace) -> Sequence[str]:
    try:
        await context.accounts.keys.revoke(OPERATOR, options.id)
    except NotFound:
        raise Refused(f"There is no key {options.id}. See: python app.py key list") from None
    return ["Nothing comes in by it any more."]


def _state(key: ApiKey, now: datetime) -> str:
    if key.revoked:
        return "revoked"
    if key.expires_at is None:
        return "good"
    until = f"{key.expires_at:%Y-%m-%d %H:%M} UTC"
    return f"expired {until}" if now >= key.expires_at else f"until {until}"


def _opens(key: ApiKey) -> str:
    return ",".join(sorted(key.scopes))


def _scopes(typed: str) -> set[KeyScope]:
    return {KeyScope(word.strip()) for word in typed.split(",")}


def _days(typed: str) -> int:
    if match := re.fullmatch(r"([0-9]{1,4})d?", typed):
        return int(match[1])
    raise argparse.ArgumentTypeError(f"{typed!r} is no number of days, such as 90d")
