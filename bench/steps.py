"""Steps of the engine in this checkout and in another one, in turns: for a busy machine.

Single times on a shared machine vary by a factor of two within minutes. Here both checkouts have
the model loaded, each in a process of its own that is idle while the other is measured, and what
counts is the ratio within a turn.
"""

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.measurements import Measurement

ROOT = Path(__file__).parents[1]
TURNS = 3
Task = Mapping[str, int]
TASKS: Mapping[str, Task] = {
    **{f"{rows} × 50 tokens": {"rows": rows, "tokens": 50} for rows in (1, 4, 8)},
    **{f"8 × {tokens} tokens": {"rows": 8, "tokens": tokens} for tokens in (500, 2000)},
    "reading 500 tokens": {"read": 500},
}
BASE = "8 × 50 tokens"


class Checkout:
    """A running `bench/step_server.py` on the code of one checkout."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.clock: dict[str, list[float]] = {}
        self.processor: dict[str, list[float]] = {}
        self._answer()  # the model is loaded

    def measure(self, name: str) -> None:
        assert self._process.stdin is not None
        print(json.dumps(TASKS[name]), file=self._process.stdin, flush=True)
        clock, processor = json.loads(self._answer())
        self.clock.setdefault(name, []).append(clock)
        self.processor.setdefault(name, []).append(processor)
        print(f"{name}: {clock:.3f} s", file=sys.stderr)

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            sys.exit("The engine of one of the checkouts has failed: see above.")
        return line


@contextmanager
def running(root: Path, folder: Path) -> Iterator[Checkout]:
    """The engine of the checkout in `root`, with the model of `folder`."""
    command = [sys.executable, "-P", str(ROOT / "bench" / "step_server.py"), str(folder)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        text=True,
    ) as process:
        try:
            yield Checkout(process)
        finally:
            process.terminate()


def compare(folder: Path, other_root: Path) -> list[Measurement]:
    """How much faster this checkout is than the other. Takes some minutes."""
    with ExitStack() as stack:
        this, other = (stack.enter_context(running(root, folder)) for root in (ROOT, other_root))
        for turn in range(TURNS):
            for name in TASKS:
                for checkout in (this, other) if turn % 2 else (other, this):
                    checkout.measure(name)
    figures: list[Measurement] = []
    for name in TASKS:
        figures += [
            Measurement(f"{name}, this", statistics.median(this.clock[name]), "s"),
            Measurement(f"{name}, other", statistics.median(other.clock[name]), "s"),
            ratio(f"{name}, other / this", other.clock[name], this.clock[name]),
            ratio(f"{name}, processor time", other.processor[name], this.processor[name]),
        ]
    return [
        *figures,
        ratio("8 × 500 tokens, speed / 8 × 50", this.clock[BASE], this.clock["8 × 500 tokens"]),
    ]


def ratio(name: str, above: list[float], below: list[float]) -> Measurement:
    """The median of the turns' ratios, with the least and the greatest in its name."""
    ratios = [one / another for one, another in zip(above, below, strict=True)]
    spread = f"{min(ratios):.2f}–{max(ratios):.2f}"
    return Measurement(f"{name} ({spread})", statistics.median(ratios), "×")
