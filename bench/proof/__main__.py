"""`python -m bench.proof requests [--count N] [--seed N] [--json FILE]`.

Made-up requests to the API, to pages and to the page's events, in this process and to nobody else:
how many of each kind were answered how, and how much memory they left. Exits with 1 where one was
answered with a fault.
"""

import argparse
import asyncio
import json
import logging
import sys
from pathlib import Path

from bench.proof.requests import MOST_GROWTH_MIB, Outcome, measure


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.proof", description=__doc__)
    parser.add_argument("what", choices=["requests"])
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    outcome = asyncio.run(measure(given.count, given.seed))
    print(table(outcome))
    if given.json:
        figures = {**vars(outcome), "holds": outcome.holds}
        given.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0 if outcome.holds else 1


def table(outcome: Outcome) -> str:
    """The figures as Markdown."""
    rows = [
        ("requests", str(outcome.count)),
        ("seed", str(outcome.seed)),
        *((name, str(number)) for name, number in sorted(outcome.statuses.items())),
        ("faults", str(len(outcome.faults))),
        ("slowest answer", f"{outcome.slowest_s * 1000:.0f} ms"),
        ("memory growth", f"{outcome.growth_mib:.0f} MiB (at most {MOST_GROWTH_MIB:.0f})"),
        ("time", f"{outcome.seconds:.0f} s"),
    ]
    lines = ["| what | how many |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)]
    return "\n".join([*lines, "", f"Slowest: {outcome.slowest}", *outcome.faults])


if __name__ == "__main__":
    sys.exit(main())
