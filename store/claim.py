"""A folder's database belongs to one running app: a second one would end the first one's answers.

At start an app marks what nobody can be writing any more (`interrupt_unfinished`). The claim is a
lock that the system takes back when the process ends, however it ends.
"""

import fcntl
import os
from io import TextIOWrapper
from pathlib import Path

from chat.errors import StartupError
from store.complaints import about_folder

LOCK_NAME = "qwen-chat.lock"


class Claim:
    """On one folder, not yet taken."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: TextIOWrapper | None = None

    def take(self) -> None:
        """Make the folder, for its owner alone, and hold it. Raises StartupError."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = (self._folder / LOCK_NAME).open("a+", encoding="ascii")
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartupError(self._taken()) from None
        except OSError as error:
            raise StartupError(about_folder(error, self._folder)) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def let_go(self) -> None:
        if self._file is not None:
            self._file.close()

    def _taken(self) -> str:
        assert self._file is not None
        self._file.seek(0)
        return (
            f"Another Qwen Chat (process {self._file.read() or 'unknown'}) uses the folder "
            f"{self._folder}. Stop it, or give this one a folder of its own with --data-dir."
        )
