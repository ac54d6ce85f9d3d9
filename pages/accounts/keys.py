"""The page of API keys: a user's own, or all of them for an administrator."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from chat.accounts.access import is_admin
from chat.accounts.models import ApiKey, KeyScope, User
from pages.html import PageLocale, account_links, render


@dataclass(frozen=True, slots=True)
class ListedKey:
    """A key in the table. `facts` are the texts of its scopes and of its limits."""

    key: ApiKey
    owner_name: str
    facts: Sequence[str]
    has_expired: bool


def keys_page(
    locale: PageLocale,
    user: User,
    keys: Sequence[ApiKey],
    owners: Mapping[str, str],
    now: datetime,
) -> Markup:
    """The keys with a form for a new one. `owners` are names by user id."""
    rows = [
        ListedKey(
            key,
            owners.get(key.owner_id, "–"),
            _facts(locale, key),
            key.expires_at is not None and now >= key.expires_at,
        )
        for key in keys
    ]
    return render(
        "accounts/keys.html",
        locale,
        nav=account_links(user),
        rows=rows,
        is_admin=is_admin(user),
        scopes=tuple(KeyScope),
    )


def _facts(locale: PageLocale, key: ApiKey) -> Sequence[str]:
    limits = (
        ("a-minute", key.requests_per_minute),
        ("tokens-a-day", key.tokens_per_day),
    )
    return [
        *(locale.text(f"scope-{scope}") for scope in KeyScope if scope in key.scopes),
        *(locale.text(text, count=f"{number:,}") for text, number in limits if number is not None),
    ]
