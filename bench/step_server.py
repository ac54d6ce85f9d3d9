"""The model in a process of its own, whose steps are timed on demand.

`python bench/step_server.py FOLDER` writes a line when the model is loaded. Then, for each line of
JSON that it reads, it writes one: for `{"rows": 8, "tokens": 500}` the times of a step in which
that many answers get a token each, after prompts of that length; for `{"read": 500}` those of
reading a new prompt. The code that runs is that of PYTHONPATH.

The prompts of answers are not really read, which would take most of the time: the model is skipped
meanwhile, so the cache holds zeros. The time of a step does not depend on the numbers.
"""

import itertools
import json
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from transformers import PreTrainedModel

from engine.loader import load_model
from engine.options import EngineOptions
from engine.row import Decoding, Row
from engine.startup import make_runner
from engine.worker import Runner

STEPS = 5
PLAIN_IDS = range(1000, 100_000)
Times = tuple[float, float]
"""Seconds by the clock, and seconds of processor time."""


def main() -> None:
    options = EngineOptions(context_length=4096)
    loaded = load_model(Path(sys.argv[1]), options, lambda share: None)
    steps = Steps(loaded.model, make_runner(loaded, options))
    steps.read(64)
    print("ready", flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        times = steps.read(command["read"]) if "read" in command else steps.write(**command)
        print(json.dumps(times), flush=True)


class Steps:
    """Times the steps of one runner."""

    def __init__(self, model: PreTrainedModel, runner: Runner) -> None:
        self._model = model
        self._runner = runner
        self._names = map(str, itertools.count())

    def read(self, tokens: int) -> Times:
        """The times of all steps until a new prompt of `tokens` tokens has its first token."""
        row = self._row(tokens)
        self._runner.add(row)
        times = timed(lambda: self._until_all_write([row]))
        self._runner.drop(row)
        return times

    def write(self, rows: int, tokens: int) -> Times:
        """The median times of a step in which `rows` answers get one token each."""
        answers = [self._row(tokens) for _ in range(rows)]
        with skipped(self._model):
            for answer in answers:
                self._runner.add(answer)
            self._until_all_write(answers)
        self._runner.step()
        times = [timed(self._runner.step) for _ in range(STEPS)]
        for answer in answers:
            self._runner.drop(answer)
        clock, processor = zip(*times, strict=True)
        return statistics.median(clock), statistics.median(processor)

    def _row(self, tokens: int) -> Row:
        """A new row, which shares no prefix with another one."""
        name = next(self._names)
        prompt = random.Random(name).choices(PLAIN_IDS, k=tokens)
        return Row(name, prompt, Decoding(), salt=name)

    def _until_all_write(self, rows: Sequence[Row]) -> None:
        while not all(row.token_ids for row in rows):
            self._runner.step()


@contextmanager
def skipped(model: Any) -> Iterator[None]:
    """All scores are equal meanwhile."""

    def forward(*, logits_to_keep: torch.Tensor, **_: Any) -> SimpleNamespace:
        shape = (1, len(logits_to_keep), model.config.vocab_size)
        return SimpleNamespace(logits=torch.zeros(shape))

    model.forward = forward
    try:
        yield
    finally:
        del model.forward


def timed(work: Callable[[], object]) -> Times:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    main()
