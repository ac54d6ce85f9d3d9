"""The model in a process of its own, whose steps are timed on demand.

`python bench/step_server.py FOLDER` writes a line when the model is loaded. Then, for each line of
JSON that it reads, it writes one: for `{"rows": 8, "tokens": 500}` the times of a step in which
that many answers get a token each, after prompts of that length; for `{"read": 500}` those of
reading a new prompt. The code that runs is that of PYTHONPATH.
"""

import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.loader import load_model
from engine.options import EngineOptions
from engine.row import Decoding, Row
from engine.startup import make_runner
from engine.worker import Runner

STEPS = 8
PLAIN_IDS = range(1000, 100_000)
Times = tuple[float, float]
"""Seconds by the clock, and seconds of processor time."""


def main() -> None:
    options = EngineOptions(context_length=4096)
    runner = make_runner(load_model(Path(sys.argv[1]), options, lambda share: None), options)
    steps = Steps(runner)
    steps.read(64)
    print("ready", flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        times = steps.read(wanted["read"]) if "read" in wanted else steps.write(**wanted)
        print(json.dumps(times), flush=True)


class Steps:
    """Times the steps of one runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._names = map(str, itertools.count())
        self._prompts: dict[int, list[int]] = {}

    def read(self, tokens: int) -> Times:
        """The times of all steps until a new prompt of `tokens` tokens has its first token."""
        row = self._row(prompt_of(tokens, random.Random(next(self._names))), next(self._names))
        self._runner.add(row)
        times = timed(lambda: self._until_all_write([row]))
        self._runner.drop(row)
        return times

    def write(self, rows: int, tokens: int) -> Times:
        """The median times of a step in which `rows` answers get one token each.

        The prompts are equal but for the last token, so all but the first are reused from the
        cache. Each row is attended to separately all the same.
        """
        prompt = prompt_of(tokens - 1, random.Random(tokens))
        answers = [self._row([*prompt, PLAIN_IDS[number]], "") for number in range(rows)]
        for answer in answers:
            self._runner.add(answer)
            self._until_all_write([answer])
        self._until_all_write(answers)
        times = [timed(self._runner.step) for _ in range(STEPS)]
        for answer in answers:
            self._runner.drop(answer)
        clock, processor = zip(*times, strict=True)
        return statistics.median(clock), statistics.median(processor)

    def _row(self, prompt: Sequence[int], salt: str) -> Row:
        return Row(next(self._names), prompt, Decoding(), salt)

    def _until_all_write(self, rows: Sequence[Row]) -> None:
        while not all(row.token_ids for row in rows):
            self._runner.step()


def prompt_of(tokens: int, chance: random.Random) -> list[int]:
    return chance.choices(PLAIN_IDS, k=tokens)


def timed(work: Callable[[], object]) -> Times:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
