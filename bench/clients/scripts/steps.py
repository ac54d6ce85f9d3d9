"""Runs the steps of one client and reports each. Standard library only."""

import argparse
import asyncio
import inspect
import json
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

BASE_URL = os.environ.get("OPENAI_BASE_URL", "")
KEY = os.environ.get("OPENAI_API_KEY", "")
MODEL = "default"
TIMEOUT_S = 300.0
"""Of one request."""

MAX_TOKENS = 32
"""Of one answer: what it says does not matter."""

Step = Callable[[], None] | Callable[[], Awaitable[None]]


def run(steps: Mapping[str, Step]) -> None:
    """Run the steps named on the command line, or all; write a JSON line for each into REPORT.

    A line has `step` and `error`: None, or the name and message of the exception.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("report", type=Path)
    parser.add_argument("steps", nargs="*", default=[])
    options = parser.parse_args()
    for name in options.steps or steps:
        line = {"step": name, "error": error_of(steps[name])}
        with options.report.open("a", encoding="utf-8") as report:
            report.write(json.dumps(line) + "\n")


def error_of(step: Step) -> str | None:
    try:
        result = step()
        if inspect.isawaitable(result):
            asyncio.run(_finish(result))
    except Exception as error:  # noqa: BLE001 - clients have error classes of their own
        return f"{type(error).__name__}: {error}"
    return None


async def _finish(result: Awaitable[None]) -> None:
    await result
