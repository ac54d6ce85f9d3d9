"""A file in memory that is emptied while it is written, for archives that are streamed."""

import io


class Outlet(io.RawIOBase):
    """A write-only file; `take` returns and clears what was written since the last call."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(data)  # type: ignore[call-overload]
        self._pieces += piece
        return len(piece)

    def take(self) -> bytes:
        piece = bytes(self._pieces)
        self._pieces.clear()
        return piece
