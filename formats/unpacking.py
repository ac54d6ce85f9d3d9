"""Takes the conversations out of the zip that ChatGPT or claude.ai sends.

Nothing is written to a disk, and no size that the zip states is believed.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

from formats.reading import refusal

MAGIC = b"PK\x03\x04"
CONVERSATIONS = re.compile(r"(?:.*/)?conversations(?:-\d+)?\.json")
MAX_ENTRIES = 100_000
"""Files in the zip: an export has each picture and recording beside the conversations."""

MAX_FILES = 1_000
"""Files of conversations in the zip: large exports are split."""

MAX_UNPACKED_BYTES = 256 * 2**20
"""Of all files of conversations together."""


def is_zip(data: bytes) -> bool:
    return data.startswith(MAGIC)


def unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """The files of conversations by name, in the order of their names. Raises BadImport."""
    left = MAX_UNPACKED_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if len(names) > MAX_ENTRIES:
                raise refusal("", f"the zip holds more than {MAX_ENTRIES} files")
            files = sorted({name for name in names if CONVERSATIONS.fullmatch(name)})
            if not files:
                raise refusal("", "the zip holds no conversations.json")
            if len(files) > MAX_FILES:
                raise refusal("", f"the zip holds more than {MAX_FILES} conversations.json")
            for name in files:
                with archive.open(name) as file:
                    content = file.read(left + 1)
                left -= len(content)
                if left < 0:
                    limit = MAX_UNPACKED_BYTES // 2**20
                    raise refusal(name, f"is more than {limit} MiB when unpacked")
                yield name, content
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError):
        raise refusal("", "the zip is damaged") from None
    except (RuntimeError, NotImplementedError):  # a password, or a compression of another kind
        raise refusal("", "the zip is encrypted, or packed in a way that is not known") from None
