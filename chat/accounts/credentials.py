"""Names, passwords and tokens: what they may look like. Knows no store and hashes no password."""

import hashlib
import secrets
from unicodedata import category, normalize

from chat.accounts.errors import BadName, BadPassword
from chat.accounts.models import name_key

MAX_NAME = 60
MOST_TYPED = 1_000
"""Characters: of a name, and with the spaces around it."""

MIN_PASSWORD = 10
MAX_PASSWORD = 128
"""Characters. Hashing is slow on purpose: a longer one would only keep a processor busy."""

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Kinds of characters that no name has: controls, marks of direction, halves of a pair."""

MAX_DEVICE = 200


def check_name(name: str) -> str:
    """The name as it is kept, on one line without outer spaces. Raises BadName."""
    typed = normalize("NFC", name) if len(name) <= MOST_TYPED else ""
    cleaned = " ".join(part for part in typed.split(" ") if part)
    if not 1 <= len(cleaned) <= MAX_NAME or any(
        category(letter) in INVISIBLE for letter in cleaned
    ):
        raise BadName(limit=MAX_NAME)
    return cleaned


def check_password(password: str, name: str) -> str:
    """A new password, as it is hashed. Raises BadPassword."""
    prepared = prepare_password(password)
    if prepared is None or len(password) < MIN_PASSWORD or name_key(prepared) == name_key(name):
        raise BadPassword(low=MIN_PASSWORD, high=MAX_PASSWORD)
    return prepared


def prepare_password(password: str) -> str | None:
    """A password as it is hashed, however the keyboard composes letters; None if it can be none."""
    whole = len(password) <= MAX_PASSWORD and not any(map(_is_half, password))
    return normalize("NFKC", password) if whole else None


def clean_device(device: str) -> str:
    """What a browser says it is, fit to be kept and shown."""
    return "".join(letter for letter in device[:MAX_DEVICE] if category(letter) not in INVISIBLE)


def new_token() -> str:
    """A secret of 256 bits, fit for a cookie and for the path of a link."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is kept of a token. A fast hash will do: nobody can try 2²⁵⁶ of them."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _is_half(letter: str) -> bool:
    return category(letter) == "Cs"
