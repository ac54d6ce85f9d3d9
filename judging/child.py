"""The process in which one answer is judged: `python -m judging.child`, a job in, a verdict out.

Patterns, schemas and formulas come from people and models; each of the three can keep a processor
or a memory busy for ever. Nothing that is judged here is ever run as code.
"""

import json
import logging
import re
import resource
import sys
from collections.abc import Callable, Mapping

from judging.unreadable import Unreadable

MEMORY_BYTES = 2**30
CPU_S = 10
"""Only if whoever started this is gone: else it is ended earlier."""

Holds = Callable[[str], bool]


def of_pattern(expected: str) -> Holds:
    """Whether a regular expression is found; ^ and $ are the ends of lines."""
    try:
        pattern = re.compile(expected, re.MULTILINE)
    except (re.error, OverflowError, RecursionError) as error:
        raise Unreadable(str(error)) from None
    return lambda answer: pattern.search(answer) is not None


def of_schema(expected: str) -> Holds:
    from judging.schemas import of_schema  # noqa: PLC0415 - a process needs one of the kinds

    return of_schema(expected)


def of_maths(expected: str) -> Holds:
    from judging.maths import of_result  # noqa: PLC0415 - takes most of a second

    return of_result(expected)


KINDS: Mapping[str, Callable[[str], Holds]] = {
    "regex": of_pattern,
    "json-schema": of_schema,
    "maths": of_maths,
}


def limit() -> None:
    """Bound this process: more memory is refused, no file can be written."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read {kind, expected, answer}; write {holds}, or {unreadable: why} of what is expected.

    Without an answer what is expected is read, and nothing more.
    """
    limit()
    logging.disable()  # the libraries have nobody to tell here
    job = json.loads(sys.stdin.buffer.read())
    try:
        holds = KINDS[job["kind"]](job["expected"])
        answer = job["answer"]
        verdict: dict[str, object] = {"holds": answer is not None and holds(answer)}
    except Unreadable as error:
        verdict = {"unreadable": str(error)}
    sys.stdout.write(json.dumps(verdict))


if __name__ == "__main__":
    main()
