"""The child process that judges one answer: `python -m judging.child`, job on stdin, verdict out.

Patterns, schemas and formulas come from users and models, and can take unlimited time or memory.
Nothing that is judged here is ever run as code.
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
"""A fallback if the parent process has ended; the parent's own limit is lower."""

Holds = Callable[[str], bool]


def of_pattern(expected: str) -> Holds:
    """Whether an answer contains a match; ^ and $ match at line ends."""
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
    """Limit this process's memory and CPU time, and forbid writing files."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Read {kind, expected, answer}; write {holds}, or {unreadable: why} if `expected` is invalid.

    If `answer` is null, only `expected` is validated.
    """
    limit()
    logging.disable()  # stderr is discarded
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
