"""The one-time link with which the first administrator sets up an account.

It is a secret: it is printed on a terminal or kept in a file with mode 0600, and never logged.
"""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

from config import Settings

FILE_NAME = "setup-link"


def base_addresses(settings: Settings, *, port: int, machine_name: str) -> Sequence[str]:
    """URLs at which browsers may reach the app, the likeliest first."""
    host = settings.host
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        hosts = [host]
    else:
        name = f"[{host}]" if address.version == 6 else host
        hosts = [machine_name, "localhost"] if address.is_unspecified else [name]
    public = [settings.public_base] if settings.public_base else []
    return [*public, *(f"http://{host}:{port}{settings.root_path}" for host in hosts)]


class SetupLink:
    """A link's file in the data folder. `addresses` are where the app may be reached."""

    def __init__(self, data_dir: Path, addresses: Sequence[str]) -> None:
        self._file = data_dir / FILE_NAME
        self._addresses = addresses

    def lines(self, token: str) -> str:
        """The link under each address, one a line."""
        return "".join(f"{address}/welcome#{token}\n" for address in self._addresses)

    def write(self, token: str) -> Path:
        """Keep the link for `./start.sh status`; the file it is in."""
        self.remove()
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # O_EXCL: a new file with mode 0600, never one that others have opened before.
        handle = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(self.lines(token))
        return self._file

    def remove(self) -> None:
        """Remove the file, if there is one."""
        self._file.unlink(missing_ok=True)
