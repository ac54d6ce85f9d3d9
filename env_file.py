"""The .env file: its variables, in whatever encoding an editor saved it."""

import codecs
import io
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

MAX_ENV_FILE_BYTES = 1024 * 1024
ENCODINGS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks and the encodings that they announce; without one, a file is UTF-8."""


class SettingsError(Exception):
    """A setting is misspelt or out of bounds: one plain sentence that says what to do."""


def read_env_file(path: Path) -> Mapping[str, str | None]:
    """The variables of a .env file; none if there is no file. Raises SettingsError."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            data = file.read(MAX_ENV_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_ENV_FILE_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_ENV_FILE_BYTES // 1024} KiB.")
    encoding = next((name for mark, name in ENCODINGS if data.startswith(mark)), "utf-8-sig")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise SettingsError(
            f"{path} is not UTF-8 text. Save it as UTF-8 and start again."
        ) from None
    if "\0" in text:  # UTF-16 without its mark looks so, and no variable may hold a NUL
        raise SettingsError(f"{path} contains NUL characters. Save it as UTF-8 and start again.")
    return dotenv_values(stream=io.StringIO(text, newline=None))
