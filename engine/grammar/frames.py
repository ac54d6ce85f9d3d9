"""Messages between the engine and its compiler: four bytes of length, then the message."""

import struct
from asyncio import StreamReader
from typing import BinaryIO

PATIENCE = 3
"""How many times as long a job may take where others use the processor too."""

_LENGTH = struct.Struct(">I")


def framed(message: bytes) -> bytes:
    return _LENGTH.pack(len(message)) + message


def read_frame(stream: BinaryIO) -> bytes:
    """The next message. Raises EOFError when the other side has gone."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    return stream.read(length)


async def receive_frame(stream: StreamReader) -> bytes:
    """The next message. Raises EOFError when the other side has gone."""
    (length,) = _LENGTH.unpack(await stream.readexactly(_LENGTH.size))
    return await stream.readexactly(length)
