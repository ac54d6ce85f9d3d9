"""`python -m engine.grammar.child`: compiles grammars for the process that started it.

Schemas come from strangers and compiling them can take for ever or all memory. So it is done here,
where it may die of it: of its own alarm clock when a job takes too long, and of its own limit when
it asks for too much memory. It ends by itself when nobody is on the other side any more.

Reads frames: the vocabulary, then jobs. Writes frames: an empty one when it is ready, then for each
job `+` and the compiled grammar, or `-` and what is wrong, as JSON.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import xgrammar

from chat.serving.errors import BadSchema
from engine.grammar.frames import PATIENCE, framed, read_frame
from engine.grammar.writing import grammar_of

MAX_MEMORY = 4 * 1024**3
MAX_CACHE = 512 * 1024**2
"""Bytes of parts that were compiled before: a string of bounded length costs seconds, once."""
MAX_GRAMMAR = 64 * 1024**2
"""Bytes of a compiled grammar as it is sent."""


def main(limit_s: float) -> None:
    # What libraries print must not get in between.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    resource.setrlimit(resource.RLIMIT_DATA, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        serve(sys.stdin.buffer, answers, limit_s)
    except (EOFError, BrokenPipeError):
        return


def serve(jobs: BinaryIO, answers: BinaryIO, limit_s: float) -> None:
    vocabulary = xgrammar.TokenizerInfo.deserialize_json(read_frame(jobs).decode())
    compiler = xgrammar.GrammarCompiler(
        vocabulary, max_threads=min(8, os.cpu_count() or 1), cache_limit_bytes=MAX_CACHE
    )
    answers.write(framed(b""))
    while True:
        job = read_frame(jobs).decode()
        with _alarms(limit_s):
            answer = compile_job(compiler, job)
        answers.write(framed(answer))


@contextmanager
def _alarms(limit_s: float) -> Iterator[None]:
    """Nothing handles their signals: they end the process, wherever it is.

    What counts is the time of the processor, so that a busy machine refuses nothing that an idle
    one takes; but nobody waits for ever.
    """
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    signal.setitimer(signal.ITIMER_REAL, limit_s * PATIENCE)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0)
    signal.setitimer(signal.ITIMER_REAL, 0)


def compile_job(compiler: xgrammar.GrammarCompiler, job: str) -> bytes:
    try:
        grammar = grammar_of(job)
        if isinstance(grammar, str):
            compiled = compiler.compile_grammar(grammar).serialize_json()
        else:
            compiled = compiler.compile_structural_tag(grammar).serialize_json()
    except BadSchema as error:
        return b"-" + json.dumps(error.values).encode()
    if len(compiled) > MAX_GRAMMAR:
        return b"-" + json.dumps({"where": "", "why": "its grammar is too large"}).encode()
    return b"+" + compiled.encode()


if __name__ == "__main__":
    main(float(sys.argv[1]))
