"""Proofs that the app holds under abuse, each a command that is bounded and stays on this machine.

    python -m bench.proof requests [--count N] [--seed N]   made-up requests find no fault
    python -m bench.proof shutdown [--count N]              SIGTERM with open tabs and streams
    python -m bench.proof database [--seconds S]            the database is gone in mid-answer
    python -m bench.proof engine [--count N]                the engine is killed, hangs, fails

Each prints a table, writes bench/results/proof-WHAT.md (with `--json FILE` the figures too), and
exits with 1 where it does not hold.
"""

import argparse
import asyncio
import json
import logging
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Protocol

from bench.__main__ import RESULTS, model_of_the_app
from bench.machine import describe_machine
from bench.proof import database, engine, requests, shutdown
from config import path_argument


class Proof(Protocol):
    """One measurement that holds or does not. A dataclass."""

    @property
    def holds(self) -> bool: ...


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.proof",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=["requests", "shutdown", "database", "engine"])
    parser.add_argument(
        "--count", type=int, help="requests (10000), stops (20), or rounds of each trouble (20)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=30.0, help="without the database")
    parser.add_argument(
        "--model", type=path_argument, help="folder of the weights; the starter model's"
    )
    parser.add_argument("--json", type=path_argument, help="write the figures there as well")
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    proofs, table = _measure(options)
    print(table)
    report = _report(options.what, " ".join(sys.argv[1:]), table)
    (RESULTS / f"proof-{options.what}.md").write_text(report, encoding="utf-8")
    if options.json:
        values = [{**asdict(proof), "holds": proof.holds} for proof in proofs]  # type: ignore[call-overload]
        content = {"machine": describe_machine("cpu"), "proof": options.what, "values": values}
        options.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return 0 if all(proof.holds for proof in proofs) else 1


def _report(what: str, arguments: str, table: str) -> str:
    """The table with its command and the machine, as Markdown."""
    machine = "\n".join(f"- {name}: {value}" for name, value in describe_machine("cpu").items())
    return f"# Proof: {what}\n\n`python -m bench.proof {arguments}`\n\n{machine}\n\n{table}\n"


def _measure(options: argparse.Namespace) -> tuple[Sequence[Proof], str]:
    if options.what == "shutdown":
        model = options.model or model_of_the_app()
        stops = asyncio.run(shutdown.measure(options.count or 20, model))
        return stops, shutdown.table(stops)
    if options.what == "database":
        outages = asyncio.run(database.measure(options.seconds))
        return outages, database.table(outages)
    if options.what == "engine":
        losses = asyncio.run(engine.measure(options.count or 20))
        return losses, engine.table(losses)
    outcome = asyncio.run(requests.measure(options.count or 10_000, options.seed))
    return [outcome], requests.table(outcome)


if __name__ == "__main__":
    sys.exit(main())
