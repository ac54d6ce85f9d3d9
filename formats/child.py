"""The process in which one large file is read: `python -m formats.child`.

It reads (parser name, data, more arguments) as one pickle, and writes one for each item of the
file, or the error for which it is refused. Both ends are this app.
"""

import pickle
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from chat.errors import AppError
from formats.cases import read_cases
from formats.importing import read_archives


def _archives(data: bytes, **more: Any) -> Sequence[object]:
    """The conversations of a file, and the report as the last item."""
    imported = read_archives(data, **more)
    return [*imported.archives, imported.report]


MEMORY_BYTES = 4 * 2**30
CPU_S = 120
PARSERS: Mapping[str, Callable[..., Sequence[object]]] = {
    "archives": _archives,
    "cases": read_cases,
}


def limit() -> None:
    """Bound this process: more memory is refused, no file can be written."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    limit()
    parser_name, data, more = pickle.load(sys.stdin.buffer)  # noqa: S301 - this app wrote it
    try:
        items = PARSERS[parser_name](data, **more)
    except AppError as error:
        pickle.dump(error, sys.stdout.buffer)
        return
    for item in items:
        pickle.dump(item, sys.stdout.buffer)


if __name__ == "__main__":
    main()
