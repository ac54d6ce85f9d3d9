"""Rules for names, passwords and tokens. Knows no store and hashes no password."""

import hashlib
import secrets
from unicodedata import category, normalize

from chat.accounts.errors import BadName, BadPassword
from chat.accounts.models import name_key

MAX_NAME = 60
MOST_TYPED = 1_000
"""Characters of a name, and of the input with surrounding spaces."""

MIN_PASSWORD = 10
MAX_PASSWORD = 128
"""Characters. Hashing is slow on purpose, so longer passwords would only cost CPU time."""

INVISIBLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
"""Unicode categories that names must not have: controls, direction marks, lone surrogates."""

MAX_DEVICE = 200


def check_name(name: str) -> str:
    """The name as it is stored: one line, NFC, no outer or double spaces. Raises BadName."""
    typed = normalize("NFC", name) if len(name) <= MOST_TYPED else ""
    cleaned = " ".join(part for part in typed.split(" ") if part)
    if not 1 <= len(cleaned) <= MAX_NAME or any(
        category(letter) in INVISIBLE for letter in cleaned
    ):
        raise BadName(limit=MAX_NAME)
    return cleaned


def check_password(password: str, name: str) -> str:
    """A new password in the form that is hashed. Raises BadPassword."""
    prepared = prepare_password(password)
    if prepared is None or len(password) < MIN_PASSWORD or name_key(prepared) == name_key(name):
        raise BadPassword(low=MIN_PASSWORD, high=MAX_PASSWORD)
    return prepared


def prepare_password(password: str) -> str | None:
    """A password in NFKC, the form that is hashed; None if it cannot be a password."""
    whole = len(password) <= MAX_PASSWORD and not any(map(_is_half, password))
    return normalize("NFKC", password) if whole else None


def clean_device(device: str) -> str:
    """A User-Agent header, shortened and without invisible characters."""
    return "".join(letter for letter in device[:MAX_DEVICE] if category(letter) not in INVISIBLE)


def new_token() -> str:
    """A URL-safe secret of 256 bits, for cookies and links."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """The digest of a token as it is stored. A fast hash is safe for 256 random bits."""
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _is_half(letter: str) -> bool:
    return category(letter) == "Cs"
